import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PolicyFile } from '../src/policy-file.js'
import { policyFile } from '../src/policy-file.js'
import { asked } from './support/asked.js'

const OPEN = '{ "allow": [{ "from": ["*"] }] }'
const SHUT = '{ "allow": [{ "from": ["*"] }], "deny": [{ "from": ["orders"] }] }'

let folder: string
let path: string
let opened: PolicyFile | undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'))
  path = join(folder, 'policy.json')
})
afterEach(() => {
  opened?.close()
  rmSync(folder, { recursive: true })
})

/** The policy, and a promise for the next news of it. */
function open(): { policy: PolicyFile; news: () => Promise<string> } {
  const policy = (opened = policyFile(path))
  const waiting: ((news: string) => void)[] = []
  const tell = (news: string): void => waiting.splice(0).forEach((resolve) => resolve(news))
  policy.listen({ replaced: () => tell('replaced'), refused: tell })
  return { policy, news: () => new Promise((resolve) => waiting.push(resolve)) }
}

describe('policy file', () => {
  it.each([
    [undefined, 'ENOENT'],
    ['', 'expected a policy as JSON'],
    ['{ "allow": [] ', 'expected a policy as JSON'],
    ['{ "allow": [], "allow": [{ "from": ["*"] }] }', 'a member stands twice'],
    ['{ "alow": [] }', 'policy.alow: unknown option'],
    [`{ "allow": [] ${' '.repeat(1024 * 1024)} }`, 'expected at most 1048576 bytes, got more'],
  ])('Z13 does not start with %.80j', (content, message) => {
    if (content !== undefined) writeFileSync(path, content)
    expect(() => policyFile(path)).toThrow(message)
  })

  it('Z13 does not start with a file without end', () => {
    expect(() => policyFile('/dev/zero')).toThrow('expected at most 1048576 bytes, got more')
  })

  it('Z13 takes up what is written and what is renamed into its place, and keeps the last good one of what is not understood', async () => {
    writeFileSync(path, OPEN)
    const { policy, news } = open()
    const allowed = (): boolean => policy.current.judge(asked()).allowed
    expect(allowed()).toBe(true)

    let next = news()
    writeFileSync(path, SHUT)
    expect(await next).toBe('replaced')
    expect(allowed()).toBe(false)

    next = news()
    writeFileSync(path, '{ "allow": [{ "from": ["*"], "notPath": ["/x"] }] }')
    expect(await next).toContain('policy.allow[0].notPath: unknown option')
    expect(allowed()).toBe(false)

    next = news()
    rmSync(path)
    expect(await next).toContain('ENOENT')
    expect(allowed()).toBe(false)

    next = news()
    writeFileSync(join(folder, 'next'), OPEN)
    renameSync(join(folder, 'next'), path)
    expect(await next).toBe('replaced')
    expect(allowed()).toBe(true)
  })
})
