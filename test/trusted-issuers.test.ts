import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane } from '../src/control-plane/control-plane.js'
import { expressMesh } from '../src/express.js'
import { createMesh, fixed, type AccessPolicy, type IdentityOptions, type TrustedIssuerOptions } from '../src/index.js'
import { makeTestCa } from './support/kubernetes-api/test-ca.js'
import { RawSigner } from './support/raw-token.js'
import { ScriptedIssuer } from './support/scripted-issuer.js'

const ORDERS = 'system:serviceaccount:shop:orders'

/** `users`, which asks nobody, and what it answers to a token. */
async function usersWith(identity: IdentityOptions, policy: AccessPolicy): Promise<(token: string) => Promise<[number, unknown]>> {
  const mesh = createMesh({ service: 'users', registry: fixed({}), identity })
  const app = express()
  app.use(expressMesh(mesh, { policy, shed: false }))
  app.get('/', ({ mesh: { peer } }, response) => void response.json([peer!.service, peer!.issuer]))
  const server = createServer(app).listen(0, '127.0.0.1')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await mesh.close()
  })
  await once(server, 'listening')
  return (token) =>
    new Promise((resolve, reject) => {
      const { port } = server.address() as AddressInfo
      const asked = request({ host: '127.0.0.1', port, headers: { authorization: `Bearer ${token}` }, agent: false }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () => resolve([response.statusCode!, JSON.parse(body)]))
      })
      asked.on('error', reject).end()
    })
}

function accountToken(signer: RawSigner, iss: string, namespace: string, name: string): string {
  const now = Math.floor(Date.now() / 1000)
  const bound = { namespace, serviceaccount: { name, uid: '1' } }
  const claims = { iss, sub: `system:serviceaccount:${namespace}:${name}`, aud: ['users'], iat: now, nbf: now, exp: now + 3607, 'kubernetes.io': bound }
  return signer.token(claims, { typ: undefined })
}

describe('identity.issuers', () => {
  it("lets in service accounts of a cluster beside the mesh's own callers, with keys that are shown to a token of its own", async () => {
    const plane = await createControlPlane({ port: 0, clients: { billing: 'hush' } })
    const api = await ScriptedIssuer.start()
    onTestFinished(async () => void (await Promise.all([plane.close(), api.close()])))
    const cluster = new RawSigner()
    api.answers.set('/openid/v1/jwks', ({ headers }, response) => {
      const isShown = headers.authorization === 'Bearer of-users'
      response.writeHead(isShown ? 200 : 403).end(JSON.stringify(isShown ? cluster.jwks : {}))
    })
    const folder = mkdtempSync(join(tmpdir(), 'issuers-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const jwksTokenFile = join(folder, 'token')
    writeFileSync(jwksTokenFile, 'of-users\n')

    const iss = 'https://kubernetes.default.svc.cluster.local'
    const kubernetes: TrustedIssuerOptions = {
      issuer: iss,
      profile: 'kubernetes',
      jwksUrl: `${api.url}/openid/v1/jwks`,
      jwksTokenFile,
      services: { orders: ORDERS },
    }
    const ask = await usersWith({ issuer: plane.url, issuers: [kubernetes] }, { allow: [{ from: ['billing', { namespaces: ['shop'], issuers: [iss] }] }] })

    expect(await ask(accountToken(cluster, iss, 'shop', 'orders'))).toEqual([200, ['orders', iss]])
    expect(await ask(accountToken(cluster, iss, 'shop', 'guest'))).toEqual([200, ['system:serviceaccount:shop:guest', iss]])
    expect(await ask(accountToken(cluster, iss, 'stock', 'orders'))).toMatchObject([403, {}])
    expect(await ask(accountToken(new RawSigner(), iss, 'shop', 'orders'))).toMatchObject([401, {}])
    expect(api.asked.map(({ path }) => path)).toEqual(['/openid/v1/jwks'])

    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'billing', client_secret: 'hush', audience: 'users' })
    const { access_token } = (await (await fetch(`${plane.url}/oauth2/token`, { method: 'POST', body: form })).json()) as { access_token: string }
    expect(await ask(access_token)).toEqual([200, ['billing', plane.url]])
  })

  it('does without an issuer of its own, finds keys by discovery, and knows callers by the claim that was named', async () => {
    const login = await ScriptedIssuer.start()
    onTestFinished(() => login.close())
    const signer = new RawSigner()
    login.json('/keys', signer.jwks)
    const issuers: TrustedIssuerOptions[] = [{ issuer: login.url, profile: 'access-token', principalClaim: 'client_id', audience: 'api://users' }]
    const ask = await usersWith({ issuers }, { allow: [{ from: [{ principals: [`${login.url}#*`] }] }], deny: [{ from: ['orders'] }] })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: login.url, sub: 'f00d', client_id: 'orders', aud: 'api://users', iat: now, exp: now + 300 }
    expect(await ask(signer.token(claims))).toEqual([200, [`${login.url}#orders`, login.url]])
    expect(await ask(signer.token({ ...claims, aud: 'users' }))).toMatchObject([401, {}])
    expect(await ask(signer.token(claims, { typ: 'JWT' }))).toMatchObject([401, {}])
  })

  it('fetches keys over TLS from a server that caFile vouches for, and from no other', async () => {
    const { ca, key, cert } = makeTestCa()
    const signer = new RawSigner()
    const api = createTlsServer({ key, cert }, (_, response) => void response.end(JSON.stringify(signer.jwks))).listen(0, '127.0.0.1')
    onTestFinished(() => {
      api.close()
      api.closeAllConnections()
    })
    await once(api, 'listening')
    const folder = mkdtempSync(join(tmpdir(), 'issuers-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const caFile = join(folder, 'ca.crt')
    writeFileSync(caFile, ca)
    const iss = 'https://kubernetes.default.svc'
    const one = { issuer: iss, profile: 'kubernetes', jwksUrl: `https://127.0.0.1:${(api.address() as AddressInfo).port}/keys` } as const
    const policy = { allow: [{ from: [{ namespaces: ['shop'] }] }] }
    const token = accountToken(signer, iss, 'shop', 'orders')
    expect(await (await usersWith({ issuers: [{ ...one, caFile }] }, policy))(token)).toEqual([200, [ORDERS, iss]])
    expect(await (await usersWith({ issuers: [one] }, policy))(token)).toMatchObject([503, { code: 'MESH_ERR_KEYS' }])
  })

  const issuer = 'https://one.test'
  const cluster = { issuer, profile: 'kubernetes' }
  it.each<[object | object[], string]>([
    [{ profile: 'kubernetes' }, 'identity.issuers[0].issuer: expected iss of its tokens, got undefined'],
    [{ issuer }, 'identity.issuers[0].profile: expected the kind of its tokens, got undefined'],
    [{ issuer, profile: 'saml' }, "identity.issuers[0].profile: expected one of 'access-token', 'kubernetes', 'jwt-svid', got \"saml\""],
    [{ ...cluster, trustDomain: 'example.org' }, 'identity.issuers[0].trustDomain: expected none, since it is for the profile jwt-svid, got "example.org"'],
    [{ ...cluster, namespaces: [] }, 'identity.issuers[0].namespaces: expected a list of at least one, got []'],
    [{ ...cluster, issuer: 'kubernetes' }, 'identity.issuers[0].issuer: expected an http:// or https:// URL'],
    [{ ...cluster, jwksTokenFile: 'x' }, 'identity.issuers[0].jwksUrl: expected where the token of jwksTokenFile is shown, got undefined'],
    [{ ...cluster, jwksTokenFile: 'x', jwksUrl: 'http://api.test/keys' }, 'identity.issuers[0].jwksUrl: expected an https: URL, since a token is shown there'],
    [{ ...cluster, jwks: { keys: [] }, jwksUrl: 'https://one.test/keys' }, 'identity.issuers[0].jwksUrl: expected either jwks or jwksUrl, got "both"'],
    [{ ...cluster, caFile: '/missing/ca.crt' }, 'identity.issuers[0].caFile: ENOENT'],
    [{ ...cluster, services: { orders: ORDERS, users: ORDERS } }, 'identity.issuers[0].services: expected a subject of its own for each service'],
    [{ issuer, profile: 'jwt-svid' }, 'identity.issuers[0].trustDomain: expected the trust domain that its keys speak for, got undefined'],
    [{ issuer: 'https://one.test/#', profile: 'access-token' }, "identity.issuers[0].issuer: expected an issuer without '#'"],
    [{ issuer, profile: 'access-token', typ: 'JWT' }, "identity.issuers[0].audience: expected what its access tokens are meant for, since 'JWT' may be any token, got undefined"],
    [{ issuer: 'https://own.test', profile: 'access-token' }, 'identity.issuers[0].issuer: expected another one than identity.issuer'],
    [[cluster, cluster], 'identity.issuers[0].issuer: expected each issuer once'],
    [[cluster, { ...cluster, issuer: 'https://two.test' }], 'identity.issuers[0].namespaces: expected the namespaces that this cluster speaks for'],
  ])('refuses %j', (given, message) => {
    const issuers = (Array.isArray(given) ? given : [given]) as TrustedIssuerOptions[]
    const options = { service: 'users', registry: fixed({}), identity: { issuer: 'https://own.test', issuers } }
    expect(() => createMesh(options)).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(message) as string }))
  })
})
