import { once } from 'node:events'
import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFixedKeys, type Keys } from '../../src/auth/keys.js'
import { systemClock } from '../../src/base/clock.js'
import { systemRandom } from '../../src/base/random.js'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import { expressMesh } from '../../src/express.js'
import { fastifyMesh } from '../../src/fastify.js'
import type { InboundMesh } from '../../src/inbound.js'
import { createMesh, memory, type Mesh, type MeshError, type RequestMesh } from '../../src/index.js'
import { webMesh } from '../../src/web.js'
import { eventually } from '../support/eventually.js'
import { InboundScene, ISSUER } from '../support/inbound-mesh.js'

const POLICY = { allow: [{ from: ['front', 'orders'] }] }

/** What a service does with a request: the text that it answers, or nothing, until somebody is done waiting. */
type Work = (request: { readonly path: string; readonly mesh: RequestMesh; readonly timeoutMs: number }) => Promise<string>

type Edge = (mesh: InboundMesh, work: Work) => Promise<Server>

const EDGES: Record<string, Edge> = {
  async express(mesh, work) {
    const app = express()
    app.use(expressMesh(mesh, { policy: POLICY }))
    app.use((request, response) => {
      const timeoutMs = Number(request.headers['mesh-timeout-ms'])
      work({ path: request.path, mesh: request.mesh, timeoutMs }).then((text) => response.end(text), () => response.status(502).end())
    })
    return listening(createServer(app))
  },
  async fastify(mesh, work) {
    const app = fastify()
    await app.register(fastifyMesh, { mesh, policy: POLICY })
    app.get('/*', (request) => work({ path: request.url, mesh: request.mesh, timeoutMs: Number(request.headers['mesh-timeout-ms']) }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  },
  async web(mesh, work) {
    const handle = webMesh(mesh, { policy: POLICY }, async (request, context) => {
      const timeoutMs = Number(request.headers.get('mesh-timeout-ms'))
      return new Response(await work({ path: new URL(request.url).pathname, mesh: context, timeoutMs }))
    })
    const server = createServer((request, response) => {
      const aborter = new AbortController()
      response.on('close', () => aborter.abort())
      const headers = request.headers as Record<string, string>
      handle(new Request(`http://users${request.url}`, { headers, signal: aborter.signal })).then(
        async (answer) => response.writeHead(answer.status).end(await answer.text()),
        () => response.writeHead(502).end(),
      )
    })
    return listening(server)
  },
}

async function listening(server: Server): Promise<Server> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

function endWithTest(server: Server): number {
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** front calls orders, which calls users: three meshes, and real sockets between them. */
async function threeLayers(edge: Edge, works: { orders(orders: Mesh): Work; users: Work }): Promise<Mesh> {
  const plane = await createControlPlane({ port: 0, clientSecret: 'hush' })
  onTestFinished(() => plane.close())
  const registry = memory()
  const meshOf = (service: string): Mesh => {
    const mesh = createMesh({ service, registry, identity: { issuer: plane.url, clientSecret: 'hush' } })
    onTestFinished(() => mesh.close())
    return mesh
  }
  const orders = meshOf('orders')
  registry.set('users', [`127.0.0.1:${endWithTest(await edge(meshOf('users'), works.users))}`])
  registry.set('orders', [`127.0.0.1:${endWithTest(await edge(orders, works.orders(orders)))}`])
  return meshOf('front')
}

/** Fulfils with the reason when the signal aborts. */
async function abortion(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await once(signal, 'abort')
  return signal.reason
}

class Gate<T = void> {
  open!: (value: T) => void
  readonly opened = new Promise<T>((resolve) => (this.open = resolve))
}

describe.each(Object.keys(EDGES))('three layers behind %s', (name) => {
  const edge = EDGES[name]!

  it('when the first hangs up, the work of the last is told, and the calls in between are given up', async () => {
    const reached = new Gate()
    const [atOrders, atUsers, failedCall] = [new Gate<unknown>(), new Gate<unknown>(), new Gate<MeshError>()]
    const front = await threeLayers(edge, {
      orders: (orders) => async ({ mesh }) => {
        void abortion(mesh.signal).then(atOrders.open)
        await orders.service('users').get('/').catch((error: MeshError) => failedCall.open(error))
        return 'nobody reads this'
      },
      users: async ({ mesh }) => {
        void abortion(mesh.signal).then(atUsers.open)
        reached.open()
        await atUsers.opened
        return 'nor this'
      },
    })
    const hangUp = new AbortController()
    const calling = expect(front.service('orders').get('/', { signal: hangUp.signal })).rejects.toMatchObject({ code: 'MESH_ERR_ABORTED' })
    await reached.opened
    hangUp.abort()
    await calling
    expect(await atOrders.opened).toMatchObject({ code: 'MESH_ERR_ABORTED', name: 'AbortError' })
    expect(await failedCall.opened).toMatchObject({ code: 'MESH_ERR_ABORTED', service: 'users', message: expect.stringContaining('hung up') as string })
    expect(await atUsers.opened).toMatchObject({ code: 'MESH_ERR_ABORTED' })
  })

  it('L08 each is told a little less than what is left, and when that is over its signal aborts', async () => {
    const told: number[] = []
    const atUsers = new Gate<unknown>()
    const front = await threeLayers(edge, {
      orders: (orders) => async ({ path, timeoutMs }) => {
        told.push(timeoutMs)
        return (await orders.service('users').get(path)).text()
      },
      users: async ({ path, mesh, timeoutMs }) => {
        told.push(timeoutMs)
        if (path === '/warm') return 'in time'
        void abortion(mesh.signal).then(atUsers.open)
        await atUsers.opened
        return 'too late'
      },
    })
    // The first call fetches tokens and keys, which takes its time.
    expect(await (await front.service('orders').get('/warm')).text()).toBe('in time')
    await front.service('orders').get('/', { timeoutMs: 1_000 }).catch(() => {})
    expect(await atUsers.opened).toMatchObject({ code: expect.stringMatching(/^MESH_ERR_(?:DEADLINE|ABORTED)$/) as string })
    const [, , ordersMs, usersMs] = told as [number, number, number, number]
    expect(ordersMs).toBeLessThanOrEqual(1_000)
    expect(usersMs).toBeLessThanOrEqual(ordersMs - 15)
    expect(usersMs).toBeGreaterThan(0)
  })

  it('detached work goes on when the caller hangs up, and when its time is over', async () => {
    const [reached, hungUp, mayAnswer, result] = [new Gate(), new Gate(), new Gate(), new Gate<string>()]
    let usersSignal: AbortSignal | undefined
    const front = await threeLayers(edge, {
      orders: (orders) => async ({ mesh }) => {
        void abortion(mesh.signal).then(() => hungUp.open())
        orders.detach(() => {
          void orders.service('users').get('/').then((reply) => reply.text()).then(result.open, (error: Error) => result.open(error.message))
        })
        await hungUp.opened
        return ''
      },
      users: async ({ mesh, timeoutMs }) => {
        usersSignal = mesh.signal
        expect(timeoutMs).toBeGreaterThan(10_000)
        reached.open()
        await mayAnswer.opened
        return 'done all the same'
      },
    })
    const hangUp = new AbortController()
    const calling = front.service('orders').get('/', { signal: hangUp.signal, timeoutMs: 5_000 }).catch(() => {})
    await reached.opened
    hangUp.abort()
    await Promise.all([calling, hungUp.opened])
    mayAnswer.open()
    expect(await result.opened).toBe('done all the same')
    expect(usersSignal!.aborted).toBe(false)
  })

  it('a call that goes on after the answer was given is not ended by that', async () => {
    const [answered, result] = [new Gate(), new Gate<string>()]
    let ordersSignal: AbortSignal | undefined
    const front = await threeLayers(edge, {
      orders: (orders) => async ({ mesh }) => {
        ordersSignal = mesh.signal
        void orders.service('users').get('/').then((reply) => reply.text()).then(result.open, (error: Error) => result.open(error.message))
        return 'at once'
      },
      users: async () => {
        await answered.opened
        return 'later'
      },
    })
    const reply = await front.service('orders').get('/')
    expect(await reply.text()).toBe('at once')
    answered.open()
    expect(await result.opened).toBe('later')
    expect(ordersSignal!.aborted).toBe(false)
  })
})

describe.each(['express', 'fastify'])('a request that waits within the middleware of %s', (name) => {
  /** Keys that come when they are let go; until then every request waits for them. */
  async function waiting() {
    const [asked, released] = [new Gate(), new Gate()]
    const keys: Keys = {
      async find(kid) {
        asked.open()
        await released.opened
        return createFixedKeys(scene.signer.jwks, { clock: systemClock, random: systemRandom }).find(kid)
      },
    }
    const scene: InboundScene = await InboundScene.create({ verification: { issuer: ISSUER, keys } })
    let reached = 0
    const server = await EDGES[name]!(scene, async () => (reached++, ''))
    const closed = new Gate()
    server.on('connection', (socket) => socket.on('close', () => closed.open()))
    const headers = await scene.bearer('orders')
    return { scene, asked, released, closed, port: endWithTest(server), headers, reached: () => reached }
  }

  it('is not given to the application when its caller has hung up meanwhile, and is not waited for in a drain', async () => {
    const { scene, asked, released, closed, port, headers, reached } = await waiting()
    const sending = httpRequest({ host: '127.0.0.1', port, path: '/', headers, agent: false })
    sending.on('error', () => {})
    sending.end()
    await asked.opened
    sending.destroy()
    await closed.opened
    released.open()
    await eventually(() => expect(scene.host.drain.inFlight).toBe(0))
    expect(reached()).toBe(0)
    expect(scene.denied).toEqual([])
  })

  it('L08 is not given to the application when its time has passed meanwhile', async () => {
    const { scene, asked, released, port, headers, reached } = await waiting()
    const answer = fetch(`http://127.0.0.1:${port}/`, { headers: { ...headers, 'mesh-timeout-ms': '30' } })
    await asked.opened
    const arrivedAt = performance.now()
    while (performance.now() - arrivedAt < 40) await new Promise((resolve) => setTimeout(resolve, 10))
    released.open()
    expect((await answer).status).toBe(504)
    expect(reached()).toBe(0)
    expect(scene.denied).toMatchObject([{ code: 'MESH_ERR_DEADLINE', reason: "the caller's time was over before the application was reached" }])
  })
})
