import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileToken, type FileTokenOptions } from '../../src/auth/file-token.js'
import type { TokenSource } from '../../src/auth/token-source.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'
import { RawSigner } from '../support/raw-token.js'

const signer = new RawSigner()
let folder: string
let path: string
let clock: FakeClock
let told: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'token-'))
  path = join(folder, 'token')
  clock = new FakeClock()
  told = []
})
afterEach(() => rmSync(folder, { recursive: true }))

function source(template = path, options?: FileTokenOptions): TokenSource {
  // A look that is still under way when its test is over tells nothing to the next one.
  const heard = told
  const tell = ({ message }: Error): void => void heard.push(message)
  return fileToken(template, options).open({ service: 'orders', clock, random: () => 0, tell })
}

function jwt(name: string, overrides: Record<string, unknown> = {}): string {
  const now = clock.epochMs() / 1000
  return signer.token({ iss: 'https://cluster.test', sub: 'orders', aud: ['users'], iat: now, exp: now + 600, jti: name, ...overrides })
}

/** Replaces the file as Kubernetes does. */
function put(content: string, at = path): void {
  writeFileSync(`${at}.new`, content)
  renameSync(`${at}.new`, at)
}

describe('fileToken', () => {
  it('gives the token of the file, at once from the second time on', async () => {
    const token = jwt('one')
    put(`${token}\n`)
    const tokens = source()
    expect(await tokens.token('users')).toBe(token)
    expect(tokens.token('users')).toBe(token)
  })

  it('takes up a changed file within a second of calls, which wait for nothing meanwhile', async () => {
    const [old, fresh] = [jwt('old'), jwt('fresh')]
    put(old)
    const tokens = source()
    await tokens.token('users')
    put(fresh)
    await clock.advance(999)
    expect(tokens.token('users')).toBe(old)
    await clock.advance(1)
    expect(tokens.token('users')).toBe(old)
    await eventually(() => expect(tokens.token('users')).toBe(fresh))
    expect(told).toEqual([])
  })

  it.each<[string, () => void, string]>([
    ['missing', () => rmSync(path), 'ENOENT'],
    ['empty', () => writeFileSync(path, ' \n'), 'it is empty'],
    ['cut within the payload', () => writeFileSync(path, jwt('cut').slice(0, 80)), 'three parts'],
    ['cut within the signature', () => writeFileSync(path, jwt('cut').slice(0, -6)), 'signature is not whole'],
    ['no token', () => writeFileSync(path, 'a\r\nb.c.d'), 'three parts'],
    ['huge', () => writeFileSync(path, 'x'.repeat(20_000)), 'over 16384 bytes'],
    ['expired', () => writeFileSync(path, jwt('ended', { iat: 1, exp: 2 })), 'has expired'],
    ['for another audience', () => writeFileSync(path, jwt('other', { aud: 'billing' })), "not for 'users' alone"],
    ['for two audiences', () => writeFileSync(path, jwt('two', { aud: ['users', 'billing'] })), "not for 'users' alone"],
    ['without a time', () => writeFileSync(path, jwt('timeless', { exp: undefined })), 'exp is not a time'],
  ])('goes on with the last good token while the file is %s, and tells it once', async (_, spoil, reason) => {
    const good = jwt('good')
    put(good)
    const tokens = source()
    await tokens.token('users')
    spoil()
    for (let round = 1; round <= 3; round++) {
      await clock.advance(1_000)
      expect(tokens.token('users')).toBe(good)
      await eventually(() => expect(told).toHaveLength(1))
    }
    expect(told[0]).toContain(reason)
    expect(told[0]).not.toContain(good.split('.')[2])

    const next = jwt('next')
    put(next)
    await eventually(async () => {
      await clock.advance(1_000)
      expect(tokens.token('users')).toBe(next)
    })
  })

  it('counts a token as expired half a minute early, and fails closed then', async () => {
    put(jwt('short', { exp: clock.epochMs() / 1000 + 300 }))
    const tokens = source()
    const token = await tokens.token('users')
    await clock.advance(269_000)
    expect(tokens.token('users')).toBe(token)
    await clock.advance(1_000)
    await expect(tokens.token('users')).rejects.toMatchObject({ code: 'MESH_ERR_IDENTITY' })
  })

  it('without a file rejects every caller with one look a second, and recovers with the next', async () => {
    const tokens = source()
    for (let i = 0; i < 3; i++) await expect(tokens.token('users')).rejects.toMatchObject({ code: 'MESH_ERR_IDENTITY', message: expect.stringContaining('ENOENT') })
    expect(told).toHaveLength(1)
    put(jwt('late'))
    await clock.advance(1_000)
    expect(await tokens.token('users')).toContain('.')
  })

  it('takes one file for each called service, and an audience of another form', async () => {
    put(jwt('users', { aud: 'spiffe://example.org/users' }), join(folder, 'users'))
    put(jwt('billing', { aud: 'spiffe://example.org/billing' }), join(folder, 'billing'))
    const tokens = source(join(folder, '{service}'), { audience: 'spiffe://example.org/{service}' })
    expect(await tokens.token('users')).not.toBe(await tokens.token('billing'))
  })

  it('reads nothing while idle', async () => {
    put(jwt('one'))
    await source().token('users')
    expect(clock.pending).toBe(0)
  })

  it('names the option that is wrong', () => {
    expect(() => fileToken('')).toThrow('fileToken.path: expected a non-empty string')
    expect(() => fileToken('x', { audience: 7 } as never)).toThrow('fileToken.audience: expected a non-empty string')
  })
})
