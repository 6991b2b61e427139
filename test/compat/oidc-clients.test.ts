import { generateKeyPairSync } from 'node:crypto'
import { createRemoteJWKSet, importPKCS8, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { publicJwkOf } from '../../src/auth/signing-key.js'
import { createControlPlane, type ControlPlane } from '../../src/control-plane/control-plane.js'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = publicJwkOf(privateKey)
const insecure = { [oauth.allowInsecureRequests]: true }

let plane: ControlPlane
let key: oauth.PrivateKey

beforeAll(async () => {
  plane = await createControlPlane({ port: 0, clients: { orders: 'p: &%+ü' }, clientKeys: { billing: { keys: [jwk] } } })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  key = { key: await importPKCS8(pem, 'ES256'), kid: jwk.kid }
})
afterAll(() => plane.close())

/** The issuer as oauth4webapi finds it. */
async function discovered(algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> {
  const url = new URL(plane.url)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm, ...insecure }))
}

describe('openid-client', () => {
  it.each<[string, string, () => openid.ClientAuth]>([
    ['client_secret_basic', 'orders', () => openid.ClientSecretBasic('p: &%+ü')],
    ['client_secret_post', 'orders', () => openid.ClientSecretPost('p: &%+ü')],
    ['private_key_jwt', 'billing', () => openid.PrivateKeyJwt(key)],
  ])('finds the issuer and has a token by %s, which oauth4webapi and jose verify', async (_, id, authentication) => {
    const config = await openid.discovery(new URL(plane.url), id, undefined, authentication(), { execute: [openid.allowInsecureRequests] })
    expect(config.serverMetadata()).toMatchObject({ issuer: plane.url, token_endpoint: `${plane.url}/oauth2/token` })
    const { access_token: token, token_type, expires_in } = await openid.clientCredentialsGrant(config, { audience: 'users' })
    expect({ token_type, expires_in }).toEqual({ token_type: 'bearer', expires_in: 300 })

    const request = new Request('http://users/', { headers: { authorization: `Bearer ${token}` } })
    const claims = await oauth.validateJwtAccessToken(await discovered('oidc'), request, 'users', insecure)
    expect(claims).toMatchObject({ iss: plane.url, sub: id, client_id: id, aud: 'users' })

    const keys = createRemoteJWKSet(new URL(`${plane.url}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(token, keys, { issuer: plane.url, audience: 'users', typ: 'at+jwt', algorithms: ['ES256'] })
    expect(payload).toEqual(claims)
  })

  it('is told in the words of OAuth what it did wrong', async () => {
    const config = await openid.discovery(new URL(plane.url), 'orders', 'wrong', undefined, { execute: [openid.allowInsecureRequests] })
    await expect(openid.clientCredentialsGrant(config, { audience: 'users' })).rejects.toMatchObject({ cause: expect.anything() })
    const good = await openid.discovery(new URL(plane.url), 'orders', undefined, openid.ClientSecretPost('p: &%+ü'), { execute: [openid.allowInsecureRequests] })
    await expect(openid.clientCredentialsGrant(good, { audience: 'users', scope: 'admin' })).rejects.toMatchObject({ error: 'invalid_scope' })
    await expect(openid.clientCredentialsGrant(good)).rejects.toMatchObject({ error: 'invalid_target' })
  })
})

describe('oauth4webapi', () => {
  it('finds the issuer by RFC 8414 too, and has a token for a resource (RFC 8707)', async () => {
    const server = await discovered('oauth2')
    const client = { client_id: 'billing' }
    const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.PrivateKeyJwt(key), { resource: 'http://users' }, insecure)
    const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, response)
    const request = new Request('http://users/', { headers: { authorization: `Bearer ${token}` } })
    expect(await oauth.validateJwtAccessToken(server, request, 'users', insecure)).toMatchObject({ sub: 'billing', aud: 'users' })
    await expect(oauth.validateJwtAccessToken(server, request, 'orders', insecure)).rejects.toThrow()
  })

  it('K05 verifies a token of the old key and one of the new after a rotation', async () => {
    const server = await discovered('oidc')
    const client = { client_id: 'billing' }
    const ask = async (): Promise<Request> => {
      const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.PrivateKeyJwt(key), { audience: 'users' }, insecure)
      const { access_token: token } = await oauth.processClientCredentialsResponse(server, client, response)
      return new Request('http://users/', { headers: { authorization: `Bearer ${token}` } })
    }
    const before = await ask()
    plane.rotateKeys()
    for (const request of [before, await ask()]) expect(await oauth.validateJwtAccessToken(server, request, 'users', insecure)).toMatchObject({ sub: 'billing' })
  })
})
