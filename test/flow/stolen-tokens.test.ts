import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import express from 'express'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane, type ControlPlane } from '../../src/control-plane/control-plane.js'
import { memory } from '../../src/discovery/memory.js'
import { expressMesh } from '../../src/express.js'
import { createMesh, selfSigned, type Mesh, type MeshOptions } from '../../src/index.js'
import type { InboundOptions } from '../../src/inbound-options.js'
import { rawRequest } from '../support/raw-request.js'

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.closeAllConnections())
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

let plane: ControlPlane
let registry: ReturnType<typeof memory>
/** What the stranger, whom the registry names for users, has seen. */
let stolen: { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders }[]
let stranger: string

beforeEach(async () => {
  plane = await createControlPlane({ port: 0, clients: { orders: 'o', users: 'u', billing: 'b' } })
  onTestFinished(() => plane.close())
  registry = memory()
  stolen = []
  const port = await listening(
    createServer((request, response) => {
      stolen.push({ method: request.method!, path: request.url!, headers: request.headers })
      response.end('{}')
    }),
  )
  stranger = `127.0.0.1:${port}`
})

function meshOf(service: string, identity: MeshOptions['identity'] = { issuer: plane.url, clientSecret: service[0]! }): Mesh {
  const mesh = createMesh({ service, registry, identity })
  onTestFinished(() => mesh.close())
  return mesh
}

/** A true service, which does what anybody asks it who may. */
async function serve(service: string, options: InboundOptions = {}, identity?: MeshOptions['identity']): Promise<{ port: number; done: () => number; reasons: string[] }> {
  const mesh = meshOf(service, identity)
  const reasons: string[] = []
  mesh.on('denied', ({ reason }) => reasons.push(reason))
  let done = 0
  const app = express()
  app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders'] }] }, ...options }))
  app.use((_, response) => void response.json({ done: ++done }))
  return { port: await listening(createServer(app)), done: () => done, reasons }
}

const proving = (): MeshOptions['identity'] => ({ issuer: plane.url, clientSecret: 'o', proof: true })
const loot = (name: 'authorization' | 'dpop', at = 0): string => String(stolen[at]!.headers[name])

describe('O02 a registry that names a stranger', () => {
  it("in bearer mode gives away a token that is good at the one service, for five minutes at most, and nowhere else", async () => {
    registry.set('users', [stranger])
    await meshOf('orders').service('users').get('/users/42')
    const [users, billing] = [await serve('users'), await serve('billing')]
    const { aud, exp, iat } = decodeJwt(loot('authorization').replace('Bearer ', ''))
    expect(aud).toBe('users')
    expect(exp! - iat!).toBeLessThanOrEqual(300)
    const headers = { authorization: loot('authorization') }
    expect((await rawRequest(users.port, '/anything', { headers, method: 'DELETE' })).status).toBe(200)
    expect((await rawRequest(billing.port, '/anything', { headers })).status).toBe(401)
  })

  it('J17 with proof of possession gives away nothing that could be used: not another request, and no request again', async () => {
    registry.set('users', [stranger])
    const orders = meshOf('orders', proving())
    await orders.service('users').get('/users/42?full=1')
    const users = await serve('users')
    const [authorization, dpop] = [loot('authorization'), loot('dpop')]
    const token = authorization.replace('DPoP ', '')
    const tries: [string, string, Record<string, string | string[]>][] = [
      ['GET', '/users/42', { authorization: `Bearer ${token}` }],
      ['GET', '/users/42', { authorization: `Bearer ${token}`, dpop }],
      ['GET', '/users/42', { authorization }],
      ['GET', '/users/42', { authorization, dpop: '' }],
      ['GET', '/users/42', { authorization, dpop: [dpop, dpop] }],
      ['GET', '/users/42', { authorization, dpop: token }],
      ['GET', '/users/43', { authorization, dpop }],
      ['GET', '/users', { authorization, dpop }],
      ['GET', '/users/42/', { authorization, dpop }],
      ['DELETE', '/users/42', { authorization, dpop }],
      ['HEAD', '/users/42', { authorization, dpop }],
    ]
    for (const [method, path, headers] of tries) expect((await rawRequest(users.port, path, { method, headers })).status, `${method} ${path}`).toBe(401)
    expect(users.done()).toBe(0)
    // What is left: the very request that it was given, once, as a proxy would pass it on.
    expect((await rawRequest(users.port, '/users/42?full=1', { headers: { authorization, dpop } })).status).toBe(200)
    expect((await rawRequest(users.port, '/users/42?full=1', { headers: { authorization, dpop } })).status).toBe(401)
    expect(users.reasons.at(-1)).toBe('the proof has been used before')
    expect(users.done()).toBe(1)
  })

  it('J17 what the true service has answered is worth nothing to who has listened', async () => {
    const users = await serve('users', { proof: 'required' })
    const heard: IncomingHttpHeaders[] = []
    const tap = createServer((request, response) => {
      heard.push(request.headers)
      void rawRequest(users.port, request.url!, { method: request.method!, headers: request.headers as Record<string, string> }).then(({ status, body }) => response.writeHead(status).end(body))
    })
    registry.set('users', [`127.0.0.1:${await listening(tap)}`])
    const orders = meshOf('orders', proving())
    for (let i = 0; i < 5; i++) expect((await orders.service('users').get('/users/42')).status).toBe(200)
    expect(new Set(heard.map(({ dpop }) => dpop)).size).toBe(5)
    for (const { authorization, dpop } of heard) expect((await rawRequest(users.port, '/users/42', { headers: { authorization: authorization!, dpop: dpop as string } })).status).toBe(401)
    expect(users.done()).toBe(5)
  })
})

describe('proof of possession', () => {
  it('is a fresh one for each attempt, through every door of the mesh', async () => {
    const users = await serve('users', { proof: 'required' })
    registry.set('users', ['127.0.0.1:1', `127.0.0.1:${users.port}`])
    const orders = meshOf('orders', proving())
    for (let i = 0; i < 6; i++) expect((await orders.service('users').get(`/users/${i}?x=%20`)).status).toBe(200)
    expect((await orders.service('users').post('/users', { json: { name: 'a' }, idempotent: true })).status).toBe(200)
    expect((await orders.fetch('http://users/a%20b/{x}?y=1#z')).status).toBe(200)
    expect(users.reasons).toEqual([])
  })

  it('is wanted of everybody where it is required, and of those whose token says so where it is not', async () => {
    const [strict, lenient] = [await serve('users', { proof: 'required' }), await serve('users')]
    registry.set('users', [`127.0.0.1:${strict.port}`])
    const bearer = meshOf('orders')
    expect((await bearer.service('users').get('/')).status).toBe(401)
    expect(strict.reasons).toEqual(['the token is bound to no key'])
    const answer = await rawRequest(strict.port, '/', { headers: {} })
    expect(answer.status).toBe(401)
    registry.set('users', [`127.0.0.1:${lenient.port}`])
    expect((await meshOf('orders').service('users').get('/')).status).toBe(200)
    expect((await meshOf('orders', proving()).service('users').get('/')).status).toBe(200)
  })

  it('goes without an issuer, too, with tokens that a service signs for itself', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const keys = createServer((request, response) => {
      const issuer = `http://${request.headers.host}`
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(request.url!.includes('jwks') ? orders.jwks() : { issuer, jwks_uri: `${issuer}/jwks` }))
    })
    const issuer = `http://127.0.0.1:${await listening(keys)}`
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const orders = meshOf('orders', { token: selfSigned({ key, issuer }), proof: true })
    const users = await serve('users', { proof: 'required' }, { issuer })
    registry.set('users', [`127.0.0.1:${users.port}`])
    expect((await orders.service('users').get('/users/42')).status, users.reasons.join()).toBe(200)
  })

  it('is that of a client of another make, too', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true }
    const issuer = new URL(plane.url)
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
    const client: oauth.Client = { client_id: 'orders' }
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const asked = await oauth.clientCredentialsGrantRequest(server, client, oauth.ClientSecretBasic('o'), new URLSearchParams({ audience: 'users' }), { DPoP, ...insecure })
    const { access_token: token, token_type: type } = await oauth.processClientCredentialsResponse(server, client, asked)
    expect(type).toBe('dpop')
    const users = await serve('users', { proof: 'required' })
    const toUsers = (_: string, { method, headers }: { method: string; headers: Record<string, string> }): Promise<Response> => fetch(`http://127.0.0.1:${users.port}/users/42?x=1`, { method, headers })
    const options = { DPoP, ...insecure, [oauth.customFetch]: toUsers }
    expect((await oauth.protectedResourceRequest(token, 'GET', new URL('http://users/users/42?x=1'), undefined, null, options)).status, users.reasons.join()).toBe(200)
  })

  it('is refused for tokens that nobody can bind, before anything is started', () => {
    expect(() => meshOf('orders', { token: () => 'x', proof: true })).toThrow('identity.proof: expected tokens of an issuer or of selfSigned()')
    expect(() => meshOf('orders', { proof: 'yes' as never })).toThrow('identity.proof: expected true or false')
  })

  it('J17 at the issuer counts once, too, and only for its token endpoint', async () => {
    const { createProver } = await import('../../src/auth/prover.js')
    const { systemClock } = await import('../../src/base/clock.js')
    const prover = createProver(systemClock)
    const url = `${plane.url}/oauth2/token`
    const ask = async (dpop: string): Promise<{ status: number; body: Record<string, unknown> }> => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: `Basic ${Buffer.from('orders:o').toString('base64')}`, dpop }
      const response = await fetch(url, { method: 'POST', headers, body: 'grant_type=client_credentials&audience=users' })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    }
    const proof = prover.prove({ method: 'POST', url })
    const { status, body } = await ask(proof)
    expect([status, body['token_type'], decodeJwt(String(body['access_token']))['cnf']]).toEqual([200, 'DPoP', { jkt: prover.thumbprint }])
    expect(await ask(proof)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
    for (const wrong of [prover.prove({ method: 'GET', url }), prover.prove({ method: 'POST', url: plane.url }), 'x']) expect(await ask(wrong)).toMatchObject({ status: 400 })
  })
})
