import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { parseLoadReport } from '../src/call/load-report.js'
import { expressMesh } from '../src/express.js'
import { fastifyMesh } from '../src/fastify.js'
import type { InboundOptions } from '../src/inbound-options.js'
import { webMesh } from '../src/web.js'
import { InboundScene } from './support/inbound-mesh.js'

const POLICY = { allow: [{ from: ['orders'] }] } satisfies InboundOptions['policy']

/** Holds `/held` until it is told to let go. */
class Gate {
  open!: () => void
  readonly opened = new Promise<void>((resolve) => (this.open = resolve))
}

interface App extends AsyncDisposable {
  get(path: string): Promise<Response>
}

async function served(server: Server, scene: InboundScene): Promise<App> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const headers = await scene.bearer('orders')
  return {
    get: (path) => fetch(`http://127.0.0.1:${port}${path}`, { headers: path === '/healthz' ? {} : headers }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Start = (scene: InboundScene, gate: Gate, options: InboundOptions) => Promise<App>

const EDGES: Record<string, Start> = {
  async express(scene, gate, options) {
    const app = express()
    app.use(expressMesh(scene, options))
    app.get('/held', (_, res) => void gate.opened.then(() => res.json({})))
    app.get('/streamed', (_, res) => void res.writeHead(200, { 'x-own': '1' }).end('x'))
    app.get('/own', (_, res) => void res.set('endpoint-load-metrics', 'TEXT cpu_utilization=0.5').json({}))
    app.get('/healthz', (_, res) => void res.json({}))
    return served(createServer(app), scene)
  },
  async fastify(scene, gate, options) {
    const app = fastify()
    await app.register(fastifyMesh, { mesh: scene, ...options })
    app.get('/held', async () => (await gate.opened, {}))
    app.get('/streamed', (_, reply) => void reply.hijack().raw.writeHead(200, ['x-own', '1']).end('x'))
    app.get('/own', (_, reply) => void reply.header('endpoint-load-metrics', 'TEXT cpu_utilization=0.5').send({}))
    app.get('/healthz', async () => ({}))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return served(app.server, scene)
  },
  async web(scene, gate, options) {
    const handle = webMesh(scene, options, async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname === '/held') await gate.opened
      const own = pathname === '/own' ? { 'endpoint-load-metrics': 'TEXT cpu_utilization=0.5' } : undefined
      return new Response('{}', { headers: { 'x-own': '1', ...own } })
    })
    const headers = await scene.bearer('orders')
    return {
      get: (path) => handle(new Request(`http://users${path}`, { headers: path === '/healthz' ? {} : headers })),
      async [Symbol.asyncDispose]() {},
    }
  },
}

async function start(edge: string, gate: Gate, options: Partial<InboundOptions> = {}): Promise<App> {
  return EDGES[edge]!(await InboundScene.create(), gate, { policy: POLICY, exempt: ['/healthz'], ...options })
}

const told = (response: Response) => parseLoadReport(response.headers.get('endpoint-load-metrics') ?? undefined)

describe.each(Object.keys(EDGES))('the load that a %s service tells', (edge) => {
  it('is what it has in flight as the answer is sent, and how busy it is', async () => {
    const gate = new Gate()
    await using app = await start(edge, gate)
    const held = [app.get('/held'), app.get('/held'), app.get('/held')]
    // They are under way when a report says so.
    await expect.poll(async () => told(await app.get('/streamed'))?.inFlight).toBe(3)
    gate.open()
    const reports = (await Promise.all(held)).map((response) => told(response)!)
    for (const { inFlight, utilization } of reports) {
      expect(inFlight).toBeLessThanOrEqual(2)
      expect(utilization).toBeGreaterThanOrEqual(0)
      expect(utilization).toBeLessThanOrEqual(1)
    }
    expect((await app.get('/streamed')).headers.get('x-own')).toBe('1')
  })

  it('gives way to what the application tells itself', async () => {
    await using app = await start(edge, new Gate())
    expect(told(await app.get('/own'))).toEqual({ inFlight: undefined, utilization: 0.5 })
  })

  it('is nobody else’s business, and nobody’s when it is switched off', async () => {
    await using app = await start(edge, new Gate())
    expect(told(await app.get('/healthz'))).toBeUndefined()
    await using silent = await start(edge, new Gate(), { loadReport: false })
    expect(told(await silent.get('/streamed'))).toBeUndefined()
  })
})
