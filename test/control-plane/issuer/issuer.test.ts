import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../../support/fake-clock.js'
import { running, type Ask, type Received } from '../running.js'

const FORM = 'application/x-www-form-urlencoded'
const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

function token(ask: Ask, params: string | Record<string, string>, headers: Record<string, string> = {}): Promise<Received> {
  const body = new URLSearchParams(params).toString()
  return ask('/oauth2/token', { method: 'POST', headers: { 'content-type': FORM, ...headers }, body })
}

const unaimed = { grant_type: 'client_credentials' }
const wanted = { ...unaimed, audience: 'users' }
const post = { ...wanted, client_id: 'orders', client_secret: 'hush' }
const header = { authorization: basic('orders', 'hush') }

/** What a client with this id and secret is answered. */
async function statusFor(ask: Ask, id: string, secret: string): Promise<number> {
  return (await token(ask, wanted, { authorization: basic(id, secret) })).status
}

describe('the issuer', () => {
  it.each([
    ['client_secret_basic', wanted, header],
    ['client_secret_post', post, {}],
  ])('gives a client that authenticates by %s a token for exactly one service', async (_, params, headers) => {
    const clock = new FakeClock()
    const { ask, controlPlane } = await running({ clock, clients: { orders: 'hush' } })
    const received = await token(ask, params, headers)
    expect(received).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store', 'content-type': 'application/json' } })
    const answer = JSON.parse(received.body) as { access_token: string }
    expect(answer).toEqual({ access_token: expect.any(String), token_type: 'Bearer', expires_in: 300 })

    const jwks = JSON.parse((await ask('/.well-known/jwks.json')).body) as Parameters<typeof createLocalJWKSet>[0]
    expect(JSON.stringify(jwks)).not.toContain('"d"')
    const { payload } = await jwtVerify(answer.access_token, createLocalJWKSet(jwks), {
      issuer: controlPlane.url,
      audience: 'users',
      algorithms: ['ES256'],
      typ: 'at+jwt',
      currentDate: new Date(clock.epochMs()),
    })
    const issuedAt = clock.epochMs() / 1000
    expect(payload).toEqual({
      iss: controlPlane.url,
      sub: 'orders',
      client_id: 'orders',
      aud: 'users',
      iat: issuedAt,
      exp: issuedAt + 300,
      jti: expect.any(String),
    })
    expect(decodeProtectedHeader(answer.access_token)['kid']).toBe(jwks.keys[0]?.kid)
  })

  it('never gives two tokens one id', async () => {
    const { ask } = await running({ clients: { orders: 'hush' } })
    const bodies = await Promise.all(Array.from({ length: 5 }, async () => (await token(ask, post)).body))
    expect(new Set(bodies).size).toBe(5)
  })

  it.each(['http://users', 'http://users/', 'https://users.mesh'])('takes the service from the resource %s', async (resource) => {
    const { ask } = await running({ clients: { orders: 'hush' } })
    const { audience: _, ...rest } = post
    const { access_token } = JSON.parse((await token(ask, { ...rest, resource })).body) as { access_token: string }
    expect(JSON.parse(Buffer.from(access_token.split('.')[1]!, 'base64url').toString())).toMatchObject({ aud: 'users' })
  })

  it('reads an id and a secret that are form-encoded inside Basic', async () => {
    const { ask } = await running({ clients: { orders: 'p: &%+ü' } })
    const secret = new URLSearchParams({ v: 'p: &%+ü' }).toString().slice(2)
    expect(await token(ask, wanted, { authorization: basic('orders', secret) })).toMatchObject({ status: 200 })
  })

  it.each<[string, string | Record<string, string>, Record<string, string>, number, string]>([
    ['no credentials', wanted, {}, 401, 'invalid_client'],
    ['a wrong secret', { ...post, client_secret: 'hush!' }, {}, 401, 'invalid_client'],
    ['a wrong secret in Basic', wanted, { authorization: basic('orders', 'x') }, 401, 'invalid_client'],
    ['an unknown client', { ...post, client_id: 'billing' }, {}, 401, 'invalid_client'],
    ['an unknown client without a secret', wanted, { authorization: basic('billing', '') }, 401, 'invalid_client'],
    ['an unknown client of a tempting name', { ...post, client_id: '__proto__' }, {}, 401, 'invalid_client'],
    ['another scheme', wanted, { authorization: 'Bearer abc' }, 401, 'invalid_client'],
    ['Basic without a colon', wanted, { authorization: 'Basic b3JkZXJz' }, 401, 'invalid_client'],
    ['two ways at once', post, header, 400, 'invalid_request'],
    ['two ids', { ...wanted, client_id: 'users' }, header, 400, 'invalid_request'],
    ['no grant type', { audience: 'users' }, header, 400, 'invalid_request'],
    ['another grant type', { ...wanted, grant_type: 'password' }, header, 400, 'unsupported_grant_type'],
    ['a parameter twice', 'grant_type=client_credentials&grant_type=password&audience=users', header, 400, 'invalid_request'],
    ['a scope', { ...wanted, scope: 'admin' }, header, 400, 'invalid_scope'],
    ['no audience', unaimed, header, 400, 'invalid_target'],
    ['two audiences', 'grant_type=client_credentials&audience=users&audience=orders', header, 400, 'invalid_target'],
    ['an audience and another resource', { ...wanted, resource: 'http://orders' }, header, 400, 'invalid_target'],
    ['an audience that is no service', { ...wanted, audience: '*' }, header, 400, 'invalid_target'],
    ['a resource with a path', { ...unaimed, resource: 'http://users/admin' }, header, 400, 'invalid_target'],
    ['a resource that is no URL', { ...unaimed, resource: 'users' }, header, 400, 'invalid_target'],
    ['a JSON body', wanted, { ...header, 'content-type': 'application/json' }, 400, 'invalid_request'],
    ['a body without end', { ...wanted, more: 'x'.repeat(20_000) }, header, 413, 'invalid_request'],
  ])('refuses %s', async (_, params, headers, status, error) => {
    const { ask } = await running({ clients: { orders: 'hush' } })
    const received = await token(ask, params, headers)
    expect(received.status).toBe(status)
    expect(JSON.parse(received.body)).toEqual({ error, error_description: expect.any(String) })
    expect(received.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(received.body).not.toMatch(/hush|access_token/)
    expect(received.headers['www-authenticate'] !== undefined).toBe(status === 401)
  })

  it('without configured clients takes any service with the one secret, and nothing that is no service name', async () => {
    const { ask, controlPlane } = await running()
    const secret = controlPlane.clientSecret!
    expect(secret).toMatch(/^[\w-]{32}$/)
    expect(await statusFor(ask, 'orders', secret)).toBe(200)
    expect(await statusFor(ask, 'billing', secret)).toBe(200)
    expect(await statusFor(ask, 'Not A Service', secret)).toBe(401)
    expect(await statusFor(ask, 'orders', '')).toBe(401)
  })

  it('holds a listed client to its own secret, beside a shared one', async () => {
    const { ask, controlPlane } = await running({ clients: { orders: 'own' }, clientSecret: 'shared' })
    expect(controlPlane.clientSecret).toBe('shared')
    expect(await statusFor(ask, 'orders', 'own')).toBe(200)
    expect(await statusFor(ask, 'orders', 'shared')).toBe(401)
    expect(await statusFor(ask, 'users', 'shared')).toBe(200)
  })

  it('publishes one document for OpenID Connect and for OAuth, all on its own origin', async () => {
    const { ask, controlPlane } = await running()
    const document = JSON.parse((await ask('/.well-known/openid-configuration')).body) as Record<string, unknown>
    expect(document).toMatchObject({
      issuer: controlPlane.url,
      token_endpoint: `${controlPlane.url}/oauth2/token`,
      jwks_uri: `${controlPlane.url}/.well-known/jwks.json`,
      grant_types_supported: ['client_credentials', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    })
    expect(JSON.parse((await ask('/.well-known/oauth-authorization-server')).body)).toEqual(document)
  })
})
