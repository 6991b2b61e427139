import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bySecret } from '../../src/auth/client-authentication.js'
import { createIssuerTokens, type IssuerTokensOptions } from '../../src/auth/issuer-tokens.js'
import type { TokenSource } from '../../src/auth/token-source.js'
import { createHttpClient, type HttpClient } from '../../src/base/http.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'
import { ScriptedIssuer } from '../support/scripted-issuer.js'

let issuer: ScriptedIssuer
let http: HttpClient
let clock: FakeClock
let minted: number

beforeEach(async () => {
  issuer = await ScriptedIssuer.start()
  http = createHttpClient()
  clock = new FakeClock()
  minted = 0
  issuer.json('/token', () => ({ access_token: `token-${++minted}`, token_type: 'Bearer', expires_in: 300 }))
})

afterEach(async () => {
  await http.close()
  await issuer.close()
})

function tokens(overrides: Partial<IssuerTokensOptions> = {}): TokenSource {
  return createIssuerTokens({
    issuer: issuer.url,
    authentication: bySecret('orders', 'p+ss w%rd'),
    tokenEndpoint: undefined,
    http,
    timeoutMs: 2_000,
    clock,
    random: () => 1,
    ...overrides,
  })
}

describe('issuer tokens', () => {
  it('asks for the audience, as this service, by RFC 6749', async () => {
    expect(await tokens().token('users')).toBe('token-1')
    const { headers, body } = issuer.asked.find(({ path }) => path === '/token')!
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ grant_type: 'client_credentials', audience: 'users' })
    const [user, password] = Buffer.from(headers.authorization!.slice('Basic '.length), 'base64').toString().split(':')
    expect([user, new URLSearchParams(`v=${password}`).get('v')]).toEqual(['orders', 'p+ss w%rd'])
  })

  it('fetches one token for all who wait, one for each audience', async () => {
    const source = tokens()
    const answers = await Promise.all([source.token('users'), source.token('users'), source.token('billing'), source.token('users')])
    expect(new Set(answers).size).toBe(2)
    expect(answers[0]).toBe(answers[3])
    expect(minted).toBe(2)
  })

  it('drops a token that was refused, unless it is fresh: the next one would be refused, too', async () => {
    const source = tokens()
    expect(await source.token('users')).toBe('token-1')
    source.refused!('users', 'token-1')
    expect(source.token('users')).toBe('token-1')
    await clock.advance(30_000)
    source.refused!('users', 'another token')
    source.refused!('billing', 'token-1')
    expect(source.token('users')).toBe('token-1')
    source.refused!('users', 'token-1')
    expect(await source.token('users')).toBe('token-2')
    for (let i = 0; i < 10; i++) source.refused!('users', 'token-2')
    expect(source.token('users')).toBe('token-2')
  })

  it('gives a held token at once, renews it ahead of its end while it serves, and waits only when it is stale', async () => {
    const source = tokens()
    await source.token('users')
    await clock.advance(209_000)
    expect(source.token('users')).toBe('token-1')
    expect(minted).toBe(1)

    await clock.advance(2_000)
    expect(source.token('users')).toBe('token-1')
    await eventually(() => expect(source.token('users')).toBe('token-2'))

    await clock.advance(270_000)
    await expect(source.token('users')).resolves.toBe('token-3')
  })

  it('fetches nothing while idle', async () => {
    const source = tokens()
    await source.token('users')
    await clock.advance(3_600_000)
    expect([minted, clock.pending]).toEqual([1, 0])
  })

  it('K07 goes on with the held token while the issuer is down, then fails, and recovers', async () => {
    const source = tokens()
    await source.token('users')
    issuer.json('/token', { error: 'server_error' }, 500)
    await clock.advance(260_000)
    expect(source.token('users')).toBe('token-1')
    await eventually(() => expect(issuer.count('/token')).toBe(2))

    await clock.advance(20_000)
    await expect(source.token('users')).rejects.toMatchObject({ code: 'MESH_ERR_IDENTITY' })
    issuer.json('/token', { access_token: 'after', token_type: 'bearer', expires_in: 300 })
    await clock.advance(30_000)
    await expect(source.token('users')).resolves.toBe('after')
  })

  it('asks a failing issuer no more often than its backoff allows', async () => {
    issuer.json('/token', { error: 'invalid_client' }, 401)
    const source = tokens()
    for (let i = 0; i < 20; i++) await expect(source.token('users')).rejects.toThrow('401 invalid_client')
    expect(issuer.count('/token')).toBe(1)
  })

  it('a short-lived token is not fetched anew for every call', async () => {
    issuer.json('/token', { access_token: 'short', token_type: 'Bearer', expires_in: 20 })
    let requests = 0
    const source = tokens({ http: { ...http, request: (request) => (requests++, http.request(request)) } })
    await source.token('users')
    expect(requests).toBe(2)
    await clock.advance(9_000)
    expect(source.token('users')).toBe('short')
    expect(requests).toBe(2)
    await clock.advance(1_000)
    expect(source.token('users')).toBe('short')
    await eventually(() => expect(requests).toBe(3))
  })

  it.each<[string, unknown]>([
    ['no JSON', '<html>'],
    ['a list', []],
    ['no token', { token_type: 'Bearer', expires_in: 300 }],
    ['a token with a line break', { access_token: 'a\r\nb', token_type: 'Bearer', expires_in: 300 }],
    ['another kind of token', { access_token: 'a', token_type: 'DPoP', expires_in: 300 }],
    ['no lifetime', { access_token: 'a', token_type: 'Bearer' }],
    ['a negative lifetime', { access_token: 'a', token_type: 'Bearer', expires_in: -1 }],
  ])('refuses an answer with %s', async (_, answer) => {
    issuer.json('/token', answer)
    await expect(tokens().token('users')).rejects.toMatchObject({ code: 'MESH_ERR_IDENTITY', processed: 'no' })
  })

  it('sends the secret nowhere but to the origin of the issuer, unless configured', async () => {
    const elsewhere = await ScriptedIssuer.start()
    elsewhere.json('/token', { access_token: 'x', token_type: 'Bearer', expires_in: 300 })
    issuer.json('/.well-known/openid-configuration', { issuer: issuer.url, token_endpoint: `${elsewhere.url}/token` })
    await expect(tokens().token('users')).rejects.toThrow('token_endpoint is on another origin')
    expect(elsewhere.asked).toEqual([])
    await expect(tokens({ tokenEndpoint: `${elsewhere.url}/token` }).token('users')).resolves.toBe('x')
    await elsewhere.close()
  })

  it('O01 does not follow a redirect', async () => {
    const elsewhere = await ScriptedIssuer.start()
    issuer.answers.set('/token', (_, response) => response.writeHead(307, { location: `${elsewhere.url}/token` }).end('{}'))
    await expect(tokens().token('users')).rejects.toThrow('307')
    expect(elsewhere.asked).toEqual([])
    await elsewhere.close()
  })

  it('does not believe a document that speaks for another issuer', async () => {
    issuer.json('/.well-known/openid-configuration', { issuer: 'https://other.test', token_endpoint: `${issuer.url}/token` })
    await expect(tokens().token('users')).rejects.toThrow('another issuer')
  })

  it('O07 no error holds the secret or what the issuer said beside an error word', async () => {
    issuer.json('/token', { error: 'eyJhbGciOi.secret.part', error_description: 'p+ss w%rd' }, 400)
    const error: unknown = await Promise.resolve(tokens().token('users')).catch((caught: unknown) => caught)
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/p\+ss|p%2Bss|cCtzcy|eyJhbGci/)
  })
})
