import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import fastify5, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import fastify4 from 'fastify-4'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fastifyMesh } from '../src/fastify.js'
import type { InboundOptions } from '../src/inbound-options.js'
import { eventually } from './support/eventually.js'
import { InboundScene } from './support/inbound-mesh.js'
import { rawRequest, sendThenRead, TWISTED_TARGETS } from './support/raw-request.js'

const OPTIONS: InboundOptions = {
  policy: {
    allow: [{ from: ['orders'], paths: ['/users/:id', '/echo', '/broken', '/before'] }, { from: ['reader'] }],
    deny: [{ from: ['reader'], paths: ['/admin'] }],
  },
  exempt: ['/healthz'],
}

// The declared type lacks the last one.
const LENIENT = { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, caseSensitive: false, useSemicolonDelimiter: true }

describe.each([
  [5, fastify5, { routerOptions: LENIENT }],
  [4, fastify4, LENIENT],
] as [number, typeof fastify5, FastifyServerOptions][])('Fastify %i', (_, fastify, lenient) => {
  let scene: InboundScene
  let app: FastifyInstance
  let port: number
  let admin: number

  async function start(instance: FastifyInstance): Promise<void> {
    app = instance
    admin = 0
    app.get('/before', async (request) => ({ peer: request.mesh.peer?.service }))
    await app.register(fastifyMesh, { mesh: scene, ...OPTIONS })
    app.get('/healthz', async (request) => ({ peer: request.mesh.peer ?? null }))
    app.get<{ Params: { id: string } }>('/users/:id', async (request) => ({ id: request.params.id, peer: request.mesh.peer }))
    app.post('/echo', async (request) => ({ body: request.body, peer: scene.host.ambient.current?.peer?.service }))
    app.get('/broken', async () => {
      throw new Error('broken handler')
    })
    app.all('/admin', async () => ({ admin: ++admin }))
    await app.register(async (child) => void child.get('/child', async (request) => ({ peer: request.mesh.peer?.service })))
    await app.listen({ port: 0, host: '127.0.0.1' })
    port = (app.server.address() as AddressInfo).port
  }

  beforeEach(async () => {
    scene = await InboundScene.create()
    await start(fastify())
  })

  afterEach(() => app.close())

  it('the handler finds who calls', async () => {
    const answer = await rawRequest(port, '/users/42', { headers: await scene.bearer('orders') })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { id: '42', peer: { service: 'orders', principal: 'orders' } }])
  })

  it('guards the routes of the whole instance: those before it, and those of its children', async () => {
    for (const target of ['/before', '/child', '/nowhere']) expect((await rawRequest(port, target)).status, target).toBe(401)
    const as = async (service: string): Promise<object> => ({ headers: await scene.bearer(service) })
    expect(await rawRequest(port, '/before', await as('orders'))).toMatchObject({ status: 200, body: '{"peer":"orders"}' })
    expect(await rawRequest(port, '/child', await as('reader'))).toMatchObject({ status: 200, body: '{"peer":"reader"}' })
  })

  it('Z06 answers with a problem to a caller without a token, and lets it into an exempt path', async () => {
    const answer = await rawRequest(port, '/users/42')
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } })
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(answer.body)).toMatchObject({ status: 401, code: 'MESH_ERR_UNAUTHENTICATED', title: 'Unauthorized' })
    expect(await rawRequest(port, '/healthz')).toMatchObject({ status: 200, body: '{"peer":null}' })
  })

  it('refuses who is not allowed', async () => {
    const answer = await rawRequest(port, '/users/42', { headers: await scene.bearer('intruder') })
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([403, { code: 'MESH_ERR_FORBIDDEN' }])
  })

  it('reads a body after the caller was verified, within the context of the request, however slowly it comes', async () => {
    const headers = { ...(await scene.bearer('orders')), 'content-type': 'application/json' }
    const sending = request({ host: '127.0.0.1', port, path: '/echo', method: 'POST', headers, agent: false })
    const answered = once(sending, 'response') as Promise<[IncomingMessage]>
    sending.write('{"text":')
    await eventually(() => expect(scene.host.drain.inFlight).toBe(1))
    sending.end('"slow"}')
    const [response] = await answered
    expect(await json(response)).toEqual({ body: { text: 'slow' }, peer: 'orders' })
  })

  it('Z15 authorization runs before a missing route, a body that cannot be parsed and an error handler', async () => {
    expect((await rawRequest(port, '/nowhere')).status).toBe(401)
    const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }
    expect((await rawRequest(port, '/echo', broken)).status).toBe(401)
    expect((await rawRequest(port, '/broken')).status).toBe(401)
    expect((await rawRequest(port, '/broken', { headers: await scene.bearer('orders') })).status).toBe(500)
  })

  it.each<[string, () => FastifyInstance]>([
    ['plain', () => fastify()],
    [
      'lenient in every way',
      () => fastify(lenient),
    ],
  ])('Z04 no twist of the path reaches what is denied, with a router that is %s', async (_, create) => {
    await app.close()
    await start(create())
    const headers = await scene.bearer('reader')
    for (const target of ['/admin', ...TWISTED_TARGETS]) {
      for (const method of ['GET', 'HEAD', 'POST']) {
        expect((await rawRequest(port, target, { method, headers })).status, target).not.toBe(200)
      }
    }
    expect(admin).toBe(0)
    expect((await rawRequest(port, '/users/42', { headers })).status).toBe(200)
  })

  it('Z08 judges the path by which it routes, after a rewrite', async () => {
    await app.close()
    await start(fastify({ rewriteUrl: ({ url }) => (url === '/harmless' ? '/admin' : url!) }))
    expect((await rawRequest(port, '/harmless', { headers: await scene.bearer('reader') })).status).toBe(403)
    expect(admin).toBe(0)
  })

  it('J13 two authorization fields are one too many, even if one is good', async () => {
    const { authorization } = await scene.bearer('orders')
    const answer = await rawRequest(port, '/users/42', { headers: { authorization: ['Bearer x', authorization] } })
    expect(answer.status).toBe(401)
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

  it('serves on while close() waits for callers to hear of it, and its own hooks come after that', async () => {
    await app.close()
    let heard!: () => void
    const left = new Promise<void>((resolve) => (heard = resolve))
    const closed: string[] = []
    Object.assign(scene, { leave: () => left })
    const instance = fastify()
    instance.addHook('preClose', async () => void closed.push('preClose'))
    instance.addHook('onClose', async () => void closed.push('onClose'))
    await start(instance)
    const closing = app.close()
    expect(await rawRequest(port, '/users/42', { headers: await scene.bearer('orders') })).toMatchObject({ status: 200 })
    expect(closed).toEqual([])
    heard()
    await closing
    expect(closed).toEqual(['preClose', 'onClose'])
  })

  it('gives its server to the mesh, unless it speaks HTTP/2', async () => {
    const attached: unknown[] = []
    Object.assign(scene, { attach: (server: unknown) => attached.push(server) })
    const [http1, http2] = [fastify(), fastify({ http2: true })]
    for (const instance of [http1, http2]) await (instance as FastifyInstance).register(fastifyMesh, { mesh: scene, ...OPTIONS })
    expect(attached).toEqual([http1.server])
    await Promise.all([http1.close(), http2.close()])
  })

  it('works without a socket, as inject has none', async () => {
    expect((await app.inject('/users/42')).statusCode).toBe(401)
    expect((await app.inject({ url: '/users/42', headers: await scene.bearer('orders') })).statusCode).toBe(200)
    expect(scene.host.drain.inFlight).toBe(0)
  })

  it('does not start with a policy that it does not understand, nor without a mesh', async () => {
    const options = { mesh: scene, policy: { alow: [] } as InboundOptions['policy'] }
    await expect(fastify().register(fastifyMesh, options).ready()).rejects.toThrow('policy.alow: unknown option')
    await expect(fastify().register(fastifyMesh, {} as never).ready()).rejects.toThrow('mesh: expected what createMesh has made, got undefined')
  })
})
