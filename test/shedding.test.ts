import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { expressMesh } from '../src/express.js'
import { fastifyMesh } from '../src/fastify.js'
import type { InboundOptions } from '../src/inbound-options.js'
import { webMesh } from '../src/web.js'
import { InboundScene } from './support/inbound-mesh.js'

const POLICY = { allow: [{ from: ['orders'] }] } satisfies InboundOptions['policy']

/** Holds `/held` until it is told to let go, and knows when it is held. */
class Gate {
  open!: () => void
  reached!: () => void
  readonly opened = new Promise<void>((resolve) => (this.open = resolve))
  readonly isReached = new Promise<void>((resolve) => (this.reached = resolve))

  async pass(path: string): Promise<void> {
    if (path !== '/held') return
    this.reached()
    await this.opened
  }
}

type Get = (path: string, headers?: Record<string, string>) => Promise<Response>

interface App extends AsyncDisposable {
  readonly get: Get
}

async function served(server: Server, scene: InboundScene): Promise<App> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const token = await scene.bearer('orders')
  return {
    get: (path, headers) => fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...(path !== '/healthz' && token), ...headers } }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const EDGES: Record<string, (scene: InboundScene, gate: Gate, options: InboundOptions) => Promise<App>> = {
  async express(scene, gate, options) {
    const app = express()
    app.use(expressMesh(scene, options))
    app.use((req, res) => void gate.pass(req.path).then(() => res.json({ path: req.path })))
    return served(createServer(app), scene)
  },
  async fastify(scene, gate, options) {
    const app = fastify()
    await app.register(fastifyMesh, { mesh: scene, ...options })
    app.get('/*', async (request) => {
      await gate.pass(request.url)
      return { path: request.url }
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return served(app.server, scene)
  },
  async web(scene, gate, options) {
    const handle = webMesh(scene, options, async (request) => {
      const path = new URL(request.url).pathname
      await gate.pass(path)
      return Response.json({ path })
    })
    const token = await scene.bearer('orders')
    return {
      get: (path, headers) => handle(new Request(`http://users${path}`, { headers: { ...(path !== '/healthz' && token), ...headers } })),
      async [Symbol.asyncDispose]() {},
    }
  },
}

describe.each(Object.entries(EDGES))('%s', (_, start) => {
  it('sheds what is too much, and answers probes, exempt paths and what is critical', async () => {
    const scene = await InboundScene.create()
    const gate = new Gate()
    await using app = await start(scene, gate, { policy: POLICY, health: true, exempt: ['/healthz'], shed: { maxInFlight: 1 } })
    const held = app.get('/held')
    await gate.isReached
    const shed = await app.get('/users/42')
    expect([shed.status, shed.headers.get('retry-after'), shed.headers.get('mesh-not-processed')]).toEqual([503, '1', 'shed'])
    expect(await shed.json()).toMatchObject({ code: 'MESH_ERR_SHED', status: 503 })
    expect((await app.get('/readyz')).status).toBe(200)
    expect((await app.get('/healthz')).status).toBe(200)
    expect((await app.get('/users/42', { 'mesh-priority': 'critical' })).status).toBe(200)
    gate.open()
    expect((await held).status).toBe(200)
    expect((await app.get('/users/42')).status).toBe(200)
    expect(scene.host.shedCounts).toEqual({ critical: 0, normal: 1, low: 0 })
  })

  it('serves one that waited for room', async () => {
    const scene = await InboundScene.create()
    const gate = new Gate()
    await using app = await start(scene, gate, { policy: POLICY, shed: { maxInFlight: 1, maxWaiting: 1, maxWaitMs: 20_000 } })
    const held = app.get('/held')
    await gate.isReached
    const waiting = app.get('/users/42')
    await expect.poll(() => scene.host.drain.inFlight).toBe(2)
    expect((await app.get('/users/42')).status).toBe(503)
    gate.open()
    expect([(await held).status, (await waiting).status]).toEqual([200, 200])
  })

  it('has things go wrong on a game day', async () => {
    const scene = await InboundScene.create({ faultInjection: true })
    await using app = await start(scene, new Gate(), { policy: POLICY, faults: [{ ratio: 1, delayMs: 20, abort: { status: 502 }, when: { header: { 'x-game-day': 'yes' } } }] })
    const reply = await app.get('/users/42', { 'x-game-day': 'yes' })
    expect([reply.status, await reply.json()]).toMatchObject([502, { title: 'Injected fault' }])
    expect((await app.get('/users/42')).status).toBe(200)
  })
})
