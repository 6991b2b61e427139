import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express5, { type ErrorRequestHandler, type Express } from 'express'
import express4 from 'express-4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { expressMesh } from '../src/express.js'
import type { InboundReply } from '../src/call/inbound.js'
import type { InboundMesh } from '../src/inbound.js'
import type { InboundOptions } from '../src/inbound-options.js'
import { eventually } from './support/eventually.js'
import { InboundScene } from './support/inbound-mesh.js'
import { rawRequest, sendThenRead, TWISTED_TARGETS } from './support/raw-request.js'

const OPTIONS: InboundOptions = {
  policy: {
    allow: [{ from: ['orders'], paths: ['/users/:id', '/api/users/:id', '/echo', '/broken'] }, { from: ['reader'] }],
    deny: [{ from: ['reader'], paths: ['/admin'] }],
  },
  exempt: ['/healthz'],
}

interface Listener extends AsyncDisposable {
  readonly server: Server
  readonly port: number
}

async function listening(app: Express): Promise<Listener> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.each([
  [5, express5],
  [4, express4],
])('Express %i', (_, express) => {
  let scene: InboundScene
  let listener: Listener
  let port: number
  let admin: number

  beforeEach(async () => {
    scene = await InboundScene.create()
    admin = 0
    const app = express()
    app.use(expressMesh(scene, OPTIONS))
    app.use(express.json())
    app.get('/healthz', (req, res) => void res.json({ peer: req.mesh.peer ?? null }))
    app.get('/users/:id', (req, res) => void res.json({ id: req.params.id, peer: req.mesh.peer }))
    app.post('/echo', (req, res) => void res.json({ body: req.body as unknown, peer: scene.host.ambient.current?.peer?.service }))
    app.get('/broken', () => {
      throw new Error('broken handler')
    })
    app.all('/admin', (_, res) => void res.json({ admin: ++admin }))
    const api = express.Router()
    api.get('/users/:id', (req, res) => void res.json({ id: req.params.id, from: req.mesh.peer!.service }))
    app.use('/api', api)
    app.use(((_error, _req, res, _next) => void res.status(500).json({ handled: true })) satisfies ErrorRequestHandler)
    listener = await listening(app)
    port = listener.port
  })

  afterEach(() => listener[Symbol.asyncDispose]())

  it('the handler finds who calls', async () => {
    const answer = await rawRequest(port, '/users/42', { headers: await scene.bearer('orders') })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { id: '42', peer: { service: 'orders', principal: 'orders' } }])
  })

  it('so it does in a mounted router, which is judged by the whole path', async () => {
    const answer = await rawRequest(port, '/api/users/42', { headers: await scene.bearer('orders') })
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { id: '42', from: 'orders' }])
  })

  it('Z06 answers with a problem to a caller without a token, and lets it into an exempt path', async () => {
    const answer = await rawRequest(port, '/users/42')
    expect(answer).toMatchObject({ status: 401, headers: { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' } })
    expect(JSON.parse(answer.body)).toMatchObject({ status: 401, code: 'MESH_ERR_UNAUTHENTICATED', title: 'Unauthorized' })
    expect(await rawRequest(port, '/healthz')).toMatchObject({ status: 200, body: '{"peer":null}' })
  })

  it('refuses who is not allowed', async () => {
    const answer = await rawRequest(port, '/users/42', { headers: await scene.bearer('intruder') })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([403, { code: 'MESH_ERR_FORBIDDEN' }])
  })

  it('reads a body after the caller was verified, within the context of the request', async () => {
    const headers = { ...(await scene.bearer('orders')), 'content-type': 'application/json' }
    const answer = await rawRequest(port, '/echo', { method: 'POST', headers, body: JSON.stringify({ text: 'x'.repeat(50_000) }) })
    expect(JSON.parse(answer.body)).toMatchObject({ body: { text: expect.stringMatching(/^x{50000}$/) as string }, peer: 'orders' })
  })

  it('Z15 authorization runs before a missing route, a body that cannot be parsed and an error handler', async () => {
    expect((await rawRequest(port, '/nowhere')).status).toBe(401)
    const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }
    expect((await rawRequest(port, '/echo', broken)).status).toBe(401)
    expect((await rawRequest(port, '/broken')).status).toBe(401)
    const headers = await scene.bearer('orders')
    expect(await rawRequest(port, '/broken', { headers })).toMatchObject({ status: 500, body: '{"handled":true}' })
  })

  it('Z04 no twist of the path reaches what is denied', async () => {
    const headers = await scene.bearer('reader')
    for (const target of ['/admin', ...TWISTED_TARGETS]) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        expect((await rawRequest(port, target, { method, headers })).status, target).not.toBe(200)
      }
    }
    expect(admin).toBe(0)
    expect((await rawRequest(port, '/users/42', { headers })).status).toBe(200)
  })

  it('Z08 Z10 judges by host and header as they came over the wire, and by nothing that came twice', async () => {
    const app = express()
    const policy = { allow: [{ from: ['*'], hosts: ['users'], notPorts: [1], when: [{ header: 'x-env', notValues: ['test'] }, { addresses: ['127.0.0.1'] }] }] }
    app.use(expressMesh(scene, { policy }))
    app.get('/', (_, res) => void res.json({}))
    await using other = await listening(app)
    const identity = await scene.bearer('orders')
    const statusOf = async (headers: Record<string, string | string[]>): Promise<number> =>
      (await rawRequest(other.port, '/', { headers: { ...identity, ...headers } })).status
    for (const host of ['users', 'USERS', 'users:8080', 'users.']) expect(await statusOf({ host }), host).toBe(200)
    for (const host of ['mail', 'users.evil', 'users,users', 'x@users']) expect(await statusOf({ host }), host).not.toBe(200)
    expect(await statusOf({ host: 'mail', 'x-forwarded-host': 'users', 'x-original-url': '/', forwarded: 'host=users' })).toBe(403)
    expect(await statusOf({ host: 'users', 'x-env': ['live', 'test'] })).toBe(403)
    expect(await statusOf({ host: 'users', 'x-env': ['live', 'prod'] })).toBe(200)
    expect(await statusOf({ host: 'users', 'x-env': 'tes\u00fft' })).toBe(403)
  })

  it('Z09 a method in a header changes nothing', async () => {
    const headers = { ...(await scene.bearer('reader')), 'x-http-method-override': 'GET', 'x-original-url': '/users/42' }
    expect((await rawRequest(port, '/admin', { method: 'POST', headers })).status).toBe(403)
  })

  it('J13 two authorization fields are one too many, even if one is good', async () => {
    const { authorization } = await scene.bearer('orders')
    const answer = await rawRequest(port, '/users/42', { headers: { authorization: [authorization, 'Bearer x'] } })
    expect(answer.status).toBe(401)
  })

  it.each([8, 64])('J14 a token of %i KiB is refused, by the gate or by the server', async (kib) => {
    const headers = { authorization: `Bearer ${'A'.repeat(kib * 1024)}` }
    // A server that has enough may hang up while the rest is still on its way, and its 431 is then lost.
    const answer = await rawRequest(port, '/users/42', { headers }).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    )
    expect([401, 431, 'ECONNRESET']).toContain(answer)
    expect((await rawRequest(port, '/users/42', { headers: await scene.bearer('orders') })).status).toBe(200)
  })

  it('Z14 identity comes from the token alone', async () => {
    const headers = { ...(await scene.bearer('orders')), 'x-mesh-peer': 'admin', 'x-forwarded-client-cert': 'admin', 'mesh-peer': 'admin' }
    expect(JSON.parse((await rawRequest(port, '/users/42', { headers })).body)).toMatchObject({ peer: { principal: 'orders' } })
  })

  it('while draining says goodbye on the connection', async () => {
    scene.host.drain.begin()
    const answer = await rawRequest(port, '/users/42', { headers: await scene.bearer('orders') })
    const goodbye = { connection: 'close', 'mesh-not-processed': '1', 'mesh-draining': '1' }
    expect(answer).toMatchObject({ status: 503, headers: goodbye })
  })

  it('while draining refuses a caller too who reads only when it has sent everything: closed unread, it would be reset', async () => {
    scene.host.drain.begin()
    expect(await sendThenRead(port, '/echo', 8_000_000)).toMatch(/^HTTP\/1.1 503 /)
  })

  it('judges the whole path also where it is mounted on a part of it', async () => {
    const app = express()
    app.use('/api', expressMesh(scene, { policy: { allow: [{ from: ['orders'], paths: ['/api/users/:id'] }] } }))
    app.get(['/api/users/:id', '/api/other'], (_, res) => void res.end())
    await using other = await listening(app)
    const headers = await scene.bearer('orders')
    expect((await rawRequest(other.port, '/api/users/42', { headers })).status).toBe(200)
    expect((await rawRequest(other.port, '/api/other', { headers })).status).toBe(403)
  })

  it('tells the stack how the request was answered, by which route, and whether whole', async () => {
    const replies: InboundReply[] = []
    const noting: InboundMesh = {
      attach: () => {},
      leave: async () => {},
      inbound(options) {
        const handle = scene.inbound(options)
        return async (arrival) => {
          const reply = await handle(arrival)
          replies.push(reply)
          return reply
        }
      },
    }
    const app = express()
    app.use(expressMesh(noting, { policy: { allow: [{ from: ['orders'] }] } }))
    const api = express.Router()
    api.get('/users/:id', (_, res) => void res.status(203).end())
    api.get('/endless', (_, res) => void res.write('begun'))
    app.use('/api', api)
    await using other = await listening(app)
    const headers = await scene.bearer('orders')

    await rawRequest(other.port, '/api/users/42', { headers })
    await eventually(() => expect(replies).toEqual([{ status: 203, route: '/api/users/:id', aborted: false, answer: undefined }]))
    const hungUp = expect(rawRequest(other.port, '/api/endless', { headers })).rejects.toThrow()
    await eventually(() => expect(scene.host.drain.inFlight).toBe(1))
    other.server.closeAllConnections()
    await hungUp
    await eventually(() => expect(replies[1]).toMatchObject({ route: '/api/endless', aborted: true }))
    expect(scene.host.drain.inFlight).toBe(0)
  })
})
