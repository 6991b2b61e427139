import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, Agent, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expressMesh } from '../../src/express.js'
import { fastifyMesh } from '../../src/fastify.js'
import type { InboundOptions } from '../../src/inbound-options.js'
import { webMesh } from '../../src/web.js'
import { InboundScene } from '../support/inbound-mesh.js'
import { forgeries, traversals } from '../support/playbook.js'

const OPTIONS: InboundOptions = {
  policy: { allow: [{ from: ['orders'], paths: ['/users', '/users/*', '/public', '/public/*', '/'] }, { from: ['admin'] }, { from: ['reader'] }], deny: [{ from: ['orders', 'reader'], paths: ['/admin', '/admin/*'] }] },
  shed: false,
}

interface Edge {
  readonly port: number
  /** How often the admin was reached, and anything at all. */
  readonly admin: () => number
  readonly all: () => number
}

async function portOf(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.closeAllConnections())
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** Fits as many doors as an application may leave open: it takes paths in any case, and with slashes. */
const LENIENT = { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, caseSensitive: false, useSemicolonDelimiter: true }

const edges: Record<string, (scene: InboundScene) => Promise<Edge>> = {
  async Express(scene) {
    let [admin, all] = [0, 0]
    const app = express()
    app.use(expressMesh(scene, OPTIONS))
    app.use((_request, _response, next) => (all++, next()))
    app.all('/admin', (_, response) => void response.json({ admin: ++admin }))
    app.all('/users/:id', (_, response) => void response.json({}))
    app.use((_, response) => void response.status(404).end())
    return { port: await portOf(createServer(app)), admin: () => admin, all: () => all }
  },
  async Fastify(scene) {
    let [admin, all] = [0, 0]
    const app = fastify({ routerOptions: LENIENT })
    await app.register(fastifyMesh, { mesh: scene, ...OPTIONS })
    app.addHook('preHandler', async () => void all++)
    app.all('/admin', async () => ({ admin: ++admin }))
    app.all('/users/:id', async () => ({}))
    await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())
    return { port: (app.server.address() as AddressInfo).port, admin: () => admin, all: () => all }
  },
  async 'web-standard'(scene) {
    let [admin, all] = [0, 0]
    const handle = webMesh(scene, OPTIONS, (request) => {
      all++
      // As a careless router: any case, any number of slashes, decoded.
      if (/^\/+admin\/*$/i.test(decodeURIComponent(new URL(request.url).pathname))) admin++
      return new Response('{}')
    })
    const server = createServer((request, response) => {
      const url = `http://users${request.url!.startsWith('/') ? '' : '/'}${request.url}`
      if (!URL.canParse(url)) return void response.writeHead(400).end()
      const headers = Object.entries(request.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as [string, string]] : []))
      void handle(new Request(url, { method: request.method!, headers })).then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
    })
    return { port: await portOf(server), admin: () => admin, all: () => all }
  },
}

/** Statuses of these requests in order, over a few connections that are kept. */
async function statuses(port: number, requests: readonly { readonly target: string; readonly headers: Record<string, string> }[]): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  onTestFinished(() => agent.destroy())
  const ask = ({ target, headers }: (typeof requests)[number]): Promise<number> =>
    new Promise((resolve) => {
      // What the client itself will not send is a hit for nobody.
      try {
        httpRequest({ host: '127.0.0.1', port, path: target, headers, agent }, (response) => response.resume().on('end', () => resolve(response.statusCode!))).on('error', () => resolve(0)).end()
      } catch {
        resolve(0)
      }
    })
  return Promise.all(requests.map(ask))
}

describe.each(Object.keys(edges))('Z18 %s under those who test for a living', (name) => {
  it('is not let in by any of the moves with a forged token', async () => {
    const scene = await InboundScene.create()
    const edge = await edges[name]!(scene)
    const good = await scene.token('orders')
    const jwk = scene.signer.jwks.keys[0]!
    const moves = forgeries(good, jwk, createPublicKey({ key: jwk, format: 'jwk' }))
    expect(moves.length).toBeGreaterThan(200)
    const answers = await statuses(edge.port, moves.map(([, token]) => ({ target: '/admin', headers: { authorization: `Bearer ${token}` } })))
    expect(moves.flatMap(([move], i) => ([0, 400, 401, 431].includes(answers[i]!) ? [] : [`${move}: ${answers[i]}`]))).toEqual([])
    expect(answers.filter((status) => status === 401).length).toBeGreaterThan(150)
    expect(edge.all()).toBe(0)
    // The good one is good, so that it was not for nothing.
    expect(await statuses(edge.port, [{ target: '/users/42', headers: { authorization: `Bearer ${good}` } }])).toEqual([200])
  })

  it('lets nobody to the admin by any way up or around', async () => {
    const scene = await InboundScene.create()
    const edge = await edges[name]!(scene)
    const every = traversals('admin')
    expect(every.length).toBeGreaterThan(5_000)
    // All of them with the fuzzing, and in the suite one of each kind and place.
    const paths = process.env['FUZZ_RUNS'] === undefined ? every.filter((_, i) => i % 29 === 0) : every
    // Who may do everything else, so that nothing but the one rule stands in the way.
    const headers = await scene.bearer('reader')
    await statuses(edge.port, paths.map((target) => ({ target, headers })))
    expect(edge.admin()).toBe(0)
    expect(edge.all()).toBeGreaterThan(0)
    // And who may, gets there.
    await statuses(edge.port, [{ target: '/admin', headers: await scene.bearer('admin') }])
    expect(edge.admin()).toBe(1)
  })
})
