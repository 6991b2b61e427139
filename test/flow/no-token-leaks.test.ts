import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSigner } from '../support/new-signer.js'
import { systemClock } from '../../src/base/clock.js'
import { expressMesh } from '../../src/express.js'
import { consul, createMesh, type Mesh, type MeshOptions } from '../../src/index.js'
import { memory } from '../../src/testing.js'
import { Gossip } from '../support/gossip.js'
import { ScriptedIssuer } from '../support/scripted-issuer.js'
import { registerSdk, removeSdk } from '../telemetry/sdk.js'

const CLIENT_SECRET = 'client-secret-that-nobody-may-see'
const ACL_TOKEN = 'acl-token-that-nobody-may-see'
const ROUNDS = 3

afterEach(removeSdk)

describe('O07 tokens', () => {
  it('none shows in any log, error, event, span, snapshot or inspected object, whatever goes wrong', async () => {
    const sdk = registerSdk()
    const written = recordOutput()
    const issuer = await MintingIssuer.start()
    const gossip = new Gossip()
    const registry = memory()
    const meshOf = (options: Partial<MeshOptions> & { service: string }): Mesh => {
      const identity = { issuer: issuer.url, clientSecret: CLIENT_SECRET }
      const mesh = createMesh({ registry, identity, ...options })
      gossip.listen(mesh)
      onTestFinished(() => mesh.close())
      return mesh
    }

    const users = meshOf({ service: 'users' })
    const usersPort = await portOf(createServer(userService(users)))
    registry.set('users', [`127.0.0.1:${usersPort}`])
    // Under a name of its own, so that what it refuses is a wrong audience.
    registry.set('billing', [`127.0.0.1:${usersPort}`])
    registry.set('flaky', [`127.0.0.1:${await portOf(createServer(flakyService))}`])
    registry.set('absent', ['127.0.0.1:1'])
    registry.set('empty', [])
    registry.set('nonsense', 7 as never)
    const keyless = meshOf({ service: 'keyless', identity: { issuer: 'http://127.0.0.1:1' } })
    registry.set('keyless', [`127.0.0.1:${await portOf(createServer(userService(keyless)))}`])
    const orders = meshOf({
      service: 'orders',
      unknownHosts: 'error',
      services: { fragile: { breaker: { minCalls: 1, failureRatio: 0.1 } }, impatient: { attemptTimeoutMs: 20 } },
    })
    registry.set('impatient', [`127.0.0.1:${await portOf(createServer(flakyService))}`])
    registry.set('fragile', [`127.0.0.1:${await portOf(createServer(flakyService))}`])
    const nowhere = consul({ address: 'http://127.0.0.1:1', token: ACL_TOKEN })
    const lost = meshOf({ service: 'orders', registry: nowhere, readyTimeoutMs: 50, services: { users: {} } })

    for (let round = 0; round < ROUNDS; round++) {
      const token = await issuer.mint('orders', 'users')
      await callErrors(gossip, orders)
      await refusals(gossip, orders, token)
      await gossip.failure('not ready', () => lost.ready())
      await gossip.failure('not ready call', () => lost.service('users').get('/', { timeoutMs: 20 }))
      for (const mesh of [orders, users, lost]) {
        const parts = [mesh, mesh.snapshot(), mesh.explain('users'), mesh.metrics(), mesh.dispatcher, mesh.service('users')]
        for (const part of parts) gossip.tell('mesh', part)
      }
    }

    issuer.refuse((body) => `{"error":"no","error_description":"${issuer.signatures.at(-1)} ${body}"}`)
    await gossip.failure('not signed', () => orders.service('unsigned').get('/'))
    registry.set('unsigned', ['127.0.0.1:1'])
    await gossip.failure('not signed', () => orders.service('unsigned').get('/'))
    await users.close()
    gossip.tell('draining', await (await orders.service('users').get('/users/1')).text())
    await orders.close()
    await gossip.failure('closed', () => orders.service('users').get('/'))
    for (const { name, attributes, status, events } of sdk.spans()) gossip.tell('span', { name, attributes, status, events })

    expect(sdk.spans().length).toBeGreaterThan(50)
    expect([...gossip.codes].filter((code) => code.startsWith('MESH_')).sort()).toEqual([
      'MESH_ERR_ABORTED',
      'MESH_ERR_ATTEMPT_TIMEOUT',
      'MESH_ERR_BAD_PATH',
      'MESH_ERR_BODY_USED',
      'MESH_ERR_BREAKER_OPEN',
      'MESH_ERR_CLOSED',
      'MESH_ERR_CONNECT',
      'MESH_ERR_CONNECTION',
      'MESH_ERR_DEADLINE',
      'MESH_ERR_DRAINING',
      'MESH_ERR_FORBIDDEN',
      'MESH_ERR_HTTP',
      'MESH_ERR_IDENTITY',
      'MESH_ERR_KEYS',
      'MESH_ERR_NOT_READY',
      'MESH_ERR_NO_ENDPOINTS',
      'MESH_ERR_OPTION',
      'MESH_ERR_REGISTRY',
      'MESH_ERR_REQUEST',
      'MESH_ERR_RESPONSE',
      'MESH_ERR_SNAPSHOT',
      'MESH_ERR_UNAUTHENTICATED',
      'MESH_ERR_UNKNOWN_HOST',
    ])
    expect(issuer.signatures.length).toBeGreaterThan(ROUNDS + 4)
    const everything = `${gossip.text}\n${written.text()}`
    const secrets = [...issuer.signatures, CLIENT_SECRET, ACL_TOKEN, Buffer.from(`orders:${CLIENT_SECRET}`).toString('base64')]
    expect(secrets.filter((secret) => everything.includes(secret)).map((secret) => around(everything, secret))).toEqual([])
  })
})

async function callErrors(gossip: Gossip, mesh: Mesh): Promise<void> {
  const users = mesh.service('users')
  const flaky = mesh.service('flaky')
  gossip.tell('reply', await users.get('/users/1'))
  await gossip.failure('option', () => mesh.service('Users'))
  await gossip.failure('request', () => users.get('users'))
  await gossip.failure('unknown host', () => mesh.fetch('http://elsewhere.test/'))
  await gossip.failure('no endpoints', () => mesh.service('empty').get('/'))
  await gossip.failure('connect', () => mesh.service('absent').get('/'))
  await gossip.failure('connection', () => flaky.post('/hang-up'))
  await gossip.failure('deadline', () => flaky.get('/silence', { timeoutMs: 20 }))
  await gossip.failure('attempt timeout', () => mesh.service('impatient').get('/silence'))
  await gossip.failure('not ready', () => mesh.service('nonsense').get('/', { timeoutMs: 20 }))
  gossip.tell('keyless', await (await mesh.service('keyless').get('/')).text())
  await gossip.failure('aborted', () => flaky.get('/silence', { signal: AbortSignal.timeout(20) }))
  await gossip.failure('response', async () => (await flaky.get('/echo')).json())
  await gossip.failure('body used', async () => {
    const reply = await users.get('/users/1')
    await reply.text()
    return reply.text()
  })
  await gossip.failure('breaker open', async () => {
    for (;;) await (await mesh.service('fragile').get('/broken')).text()
  })
}

/** Good tokens in bad places, and bad tokens that are nearly good. */
async function refusals(gossip: Gossip, mesh: Mesh, token: string): Promise<void> {
  const [head, payload, signature] = token.split('.') as [string, string, string]
  const ask = async (path: string, authorization?: string): Promise<void> => {
    const reply = await mesh.service('users').get(path, { headers: authorization === undefined ? {} : { authorization } })
    gossip.tell('refusal', reply)
    gossip.tell('refusal', await reply.text())
  }
  await ask('/users/1', `Bearer ${head}.${payload}x.${signature}`)
  await ask('/users/1', `Bearer ${head}.${payload}.${signature}.${signature}`)
  await ask('/users/1', `Basic ${token}`)
  await ask('/users/1', `Bearer ${token}, Bearer ${token}`)
  await ask(`/secret?access_token=${token}&jwt=${token}`)
  await ask(`/secret/${token}`)
  await ask(`/users/%2e%2e/1?token=${token}`)
  await (await mesh.service('billing').get('/users/1')).text()
  await (await mesh.fetch(`http://users/users/1?id_token=${token}`)).text()
}

function userService(mesh: Mesh): express.Express {
  const app = express()
  app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders'], methods: ['GET'], paths: ['/users/:id'] }] } }))
  app.get('/users/:id', (request, response) => void response.json({ id: request.params.id }))
  return app
}

const flakyService: NonNullable<Parameters<typeof createServer>[1]> = (request, response) => {
  if (request.url === '/hang-up') request.socket.destroy()
  else if (request.url === '/broken') response.writeHead(500).end()
  else if (request.url === '/echo') response.end(request.headers.authorization)
}

/** An issuer that remembers the signature of every token it has made. */
class MintingIssuer {
  readonly signatures: string[] = []
  readonly #issuer: ScriptedIssuer
  readonly #signer: Awaited<ReturnType<typeof createSigner>>

  private constructor(issuer: ScriptedIssuer, signer: Awaited<ReturnType<typeof createSigner>>) {
    this.#issuer = issuer
    this.#signer = signer
    issuer.json('/keys', signer.jwks)
    issuer.answers.set('/token', ({ body, headers }, response) => {
      const [client] = Buffer.from(headers.authorization!.slice('Basic '.length), 'base64').toString().split(':')
      void this.mint(client!, new URLSearchParams(body).get('audience')!).then((token) => {
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 300 }))
      })
    })
  }

  static async start(): Promise<MintingIssuer> {
    const issuer = await ScriptedIssuer.start()
    onTestFinished(() => issuer.close())
    return new MintingIssuer(issuer, await createSigner({ clock: systemClock }))
  }

  get url(): string {
    return this.#issuer.url
  }

  async mint(sub: string, aud: string): Promise<string> {
    const token = await this.#signer.sign({ iss: this.url, sub, aud, lifetimeMs: 300_000 })
    this.signatures.push(token.split('.')[2]!)
    return token
  }

  /** From now on answers with an error, in words of its own choice. */
  refuse(words: (body: string) => string): void {
    this.#issuer.json('/token', words, 400)
  }
}

/** What this process writes to its terminal from now on. */
function recordOutput(): { text(): string } {
  const spies = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')]
  onTestFinished(() => spies.forEach((spy) => spy.mockRestore()))
  return { text: () => spies.flatMap(({ mock }) => mock.calls.map(([chunk]) => String(chunk))).join('') }
}

/** The place where a secret was found, without the secret. */
function around(text: string, secret: string): string {
  const at = text.indexOf(secret)
  return `${text.slice(Math.max(0, at - 200), at)}<a secret>${text.slice(at + secret.length, at + secret.length + 60)}`
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
