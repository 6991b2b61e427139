import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { running } from './running.js'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

describe('the front door', () => {
  it.each([
    ['curl', '*/*'],
    ['nobody who says', undefined],
    ['who wants text', 'text/plain'],
    ['who wants JSON', 'application/json'],
    ['who names HTML within another word', 'text/htmlx'],
  ])('tells %s in plain text what is served', async (_, accept) => {
    const { ask } = await running()
    const { status, headers, body } = await ask('/', accept === undefined ? {} : { headers: { accept } })
    expect([status, headers['content-type'], headers.vary]).toEqual([200, 'text/plain; charset=utf-8', 'accept'])
    expect(body).toMatch(/^sidecarless control plane/)
  })

  it('shows a browser the page, of one document that is small and asks nobody else for anything', async () => {
    const { ask } = await running()
    const { status, headers, body } = await ask('/', { headers: { accept: BROWSER } })
    expect([status, headers['content-type'], headers.vary]).toEqual([200, 'text/html; charset=utf-8', 'accept'])
    expect(gzipSync(body, { level: 9 }).length).toBeLessThan(60_000)
    expect(body).not.toMatch(/(?:src|href)="?(?:https?:)?\/\//)
    expect(body).not.toMatch(/@import|url\((?!["']?(?:data:|#))/)
    expect(body.match(/<script>/g)).toHaveLength(1)
  })

  it('lets nothing run in the page but its own script, and nothing that a span says become markup', async () => {
    const { ask } = await running()
    const { headers, body } = await ask('/', { headers: { accept: BROWSER } })
    const hashOf = (tag: string): string => {
      const text = body.slice(body.indexOf(`<${tag}>`) + tag.length + 2, body.lastIndexOf(`</${tag}>`))
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
    }
    const policy = String(headers['content-security-policy']).split('; ')
    expect(policy).toEqual(expect.arrayContaining([
      "default-src 'none'",
      `script-src ${hashOf('script')}`,
      `style-src ${hashOf('style')}`,
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]))
    expect(policy.join()).not.toMatch(/unsafe|\*|https?:/)
    const markup = body.replace(/<(script|style)>[^]*<\/\1>/g, '')
    expect(markup).not.toMatch(/\son\w+=|javascript:/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('no-referrer')
  })
})
