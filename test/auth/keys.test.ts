import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFixedKeys, createIssuerKeys, type Keys } from '../../src/auth/keys.js'
import { createHttpClient, type HttpClient } from '../../src/base/http.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'
import { RawSigner } from '../support/raw-token.js'
import { ScriptedIssuer } from '../support/scripted-issuer.js'

const first = new RawSigner('first')
const second = new RawSigner('second')

let issuer: ScriptedIssuer
let http: HttpClient
let clock: FakeClock
let keys: Keys

beforeEach(async () => {
  issuer = await ScriptedIssuer.start()
  http = createHttpClient()
  clock = new FakeClock()
  issuer.json('/keys', first.jwks)
  keys = createIssuerKeys({ issuer: issuer.url, jwksUrl: undefined, http, timeoutMs: 500, clock, random: () => 1 })
})

afterEach(async () => {
  await http.close()
  await issuer.close()
})

describe('keys of an issuer', () => {
  it('are fetched when first asked for, once for all who wait, and then at hand', async () => {
    expect(issuer.asked).toEqual([])
    const [key] = await Promise.all([keys.find('first'), keys.find('first'), keys.find('first')])
    expect(key).toMatchObject({ kid: 'first', algorithms: ['ES256'] })
    expect(keys.find('first')).toBe(key)
    expect(issuer.count('/keys')).toBe(1)
  })

  it('K01 a flood of unknown ids costs one fetch per cooldown', async () => {
    await keys.find('first')
    for (let i = 0; i < 500; i++) await keys.find(`unknown-${i}`)
    expect(issuer.count('/keys')).toBe(1)
    await clock.advance(30_000)
    for (let i = 0; i < 500; i++) await keys.find(`unknown-${i}`)
    expect(issuer.count('/keys')).toBe(2)
  })

  it('K02 so does the same flood while the issuer is down, and good keys stay at hand', async () => {
    const good = await keys.find('first')
    issuer.answers.set('/keys', (request) => request.socket.destroy())
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000)
      for (let i = 0; i < 10; i++) expect(await keys.find(`unknown-${i}`)).toBeUndefined()
      expect(keys.find('first')).toBe(good)
    }
    expect(issuer.count('/keys')).toBeLessThanOrEqual(1 + 2)
  })

  it('K03 an old set serves on while the issuer cannot be reached', async () => {
    const good = await keys.find('first')
    issuer.answers.set('/keys', (request) => request.socket.destroy())
    await clock.advance(3_600_000)
    expect(await keys.find('first')).toBe(good)
    expect(keys.find('first')).toBe(good)
  })

  it('K05 a rotated key is found by its id as soon as the cooldown allows', async () => {
    const before = await keys.find('first')
    await clock.advance(30_000)
    issuer.json('/keys', { keys: [...first.jwks.keys, ...second.jwks.keys] })
    expect(await keys.find('second')).toMatchObject({ kid: 'second' })
    expect(keys.find('first')).toBe(before)
  })

  it('are renewed in the background a little before they are too old', async () => {
    const before = await keys.find('first')
    issuer.json('/keys', { keys: [...first.jwks.keys, ...second.jwks.keys] })
    await clock.advance(250_000)
    expect(keys.find('first')).toBe(before)
    await eventually(() => expect(issuer.count('/keys')).toBe(2))
    await eventually(() => expect(keys.find('second')).toMatchObject({ kid: 'second' }))
  })

  it.each<[string, object]>([
    ['another key', second.jwks],
    ['an empty list', { keys: [] }],
  ])('K06 a key that was withdrawn for %s is gone after one refresh', async (_, jwks) => {
    await keys.find('first')
    issuer.json('/keys', jwks)
    await clock.advance(300_000)
    expect(await keys.find('first')).toBeUndefined()
    expect(keys.find('first')).toBeUndefined()
  })

  it.each<[string, (issuer: ScriptedIssuer) => void]>([
    ['HTML', (on) => on.json('/keys', '<html>')],
    ['an empty object', (on) => on.json('/keys', {})],
    ['keys: null', (on) => on.json('/keys', { keys: null })],
    ['a private key among them', (on) => on.json('/keys', { keys: [...first.jwks.keys, { ...second.jwks.keys[0], d: 'AQAB' }] })],
    ['more than the cap', (on) => on.answers.set('/keys', (_, response) => response.end(`{"keys":[${' '.repeat(2 ** 20)}]}`))],
    ['one byte now and then', (on) => on.answers.set('/keys', (_, response) => void response.writeHead(200).write('{'))],
    ['a redirect', (on) => on.answers.set('/keys', (_, response) => response.writeHead(302, { location: '/other' }).end())],
    ['another key under the old id (K10)', (on) => on.json('/keys', new RawSigner('first').jwks)],
  ])('K04 the old set is kept when the new one is %s', async (_, script) => {
    const good = await keys.find('first')
    script(issuer)
    await clock.advance(400_000)
    expect(await keys.find('first')).toBe(good)
    expect(issuer.count('/keys')).toBe(2)
    expect(issuer.count('/other')).toBe(0)
  })

  it('cannot be had: a distinct error, and no more requests than the backoff allows, until the issuer is there', async () => {
    issuer.json('/keys', {}, 503)
    for (let i = 0; i < 20; i++) await expect(keys.find('first')).rejects.toMatchObject({ code: 'MESH_ERR_KEYS' })
    expect(issuer.count('/keys')).toBe(1)
    issuer.json('/keys', first.jwks)
    await clock.advance(1_000)
    expect(await keys.find('first')).toMatchObject({ kid: 'first' })
  })

  it('are not fetched from an origin that only the document names', async () => {
    const elsewhere = await ScriptedIssuer.start()
    elsewhere.json('/keys', second.jwks)
    issuer.json('/.well-known/openid-configuration', { issuer: issuer.url, jwks_uri: `${elsewhere.url}/keys` })
    await expect(keys.find('first')).rejects.toThrow('jwks_uri is on another origin')
    expect(elsewhere.asked).toEqual([])

    const configured = { issuer: issuer.url, jwksUrl: `${elsewhere.url}/keys`, http, timeoutMs: 500, clock, random: () => 1 }
    expect(await createIssuerKeys(configured).find('second')).toMatchObject({ kid: 'second' })
    await elsewhere.close()
  })
})

describe('fixed keys', () => {
  it('are checked as fetched ones are, and never change', async () => {
    const fixed = createFixedKeys(first.jwks, { clock, random: () => 1 })
    const key = await fixed.find('first')
    await clock.advance(86_400_000)
    expect(fixed.find('first')).toBe(key)
    expect(fixed.find('second')).toBeUndefined()

    const weak = createFixedKeys({ keys: [{ kty: 'oct', kid: 'x', k: 'AQAB' }] }, { clock, random: () => 1 })
    await expect(weak.find('x')).rejects.toMatchObject({ code: 'MESH_ERR_KEYS' })
  })
})
