import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMesh, type Mesh } from '../../src/index.js'
import { memory } from '../../src/discovery/memory.js'
import { expressMesh } from '../../src/express.js'
import { fastifyMesh } from '../../src/fastify.js'
import type { InboundOptions } from '../../src/inbound-options.js'
import { webMesh } from '../../src/web.js'
import { rawRequest, type RawAnswer } from '../support/raw-request.js'

type Ask = (target: string, method?: string) => Promise<RawAnswer>

const edges: Record<string, (mesh: Mesh, options: InboundOptions) => Promise<Ask>> = {
  async Express(mesh, options) {
    const app = express().use(expressMesh(mesh, options))
    const server = createServer(app).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    return (target, method = 'GET') => rawRequest((server.address() as AddressInfo).port, target, { method })
  },
  async Fastify(mesh, options) {
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(fastifyMesh, { mesh, ...options })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return (target, method = 'GET') => rawRequest((app.server.address() as AddressInfo).port, target, { method })
  },
  async web(mesh, options) {
    const handle = webMesh(mesh, options, () => new Response('handler'))
    return async (target, method = 'GET') => {
      const response = await handle(new Request(`http://users${target}`, { method }))
      return { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
    }
  },
}

function meshOf(): Mesh {
  // The issuer need not be there: no probe brings a token.
  const mesh = createMesh({ service: 'users', registry: memory(), identity: { issuer: 'http://127.0.0.1:1' } })
  onTestFinished(() => mesh.close())
  return mesh
}

describe.each(Object.keys(edges))('health over %s', (name) => {
  const serve = edges[name]!

  it('is alive and ready without a token, and the rest needs one', async () => {
    const ask = await serve(meshOf(), { health: true })
    for (const path of ['/livez', '/readyz', '/readyz?verbose']) {
      const answer = await ask(path)
      expect([answer.status, JSON.parse(answer.body)], path).toEqual([200, { status: 'serving', ready: true }])
      expect(answer.headers).toMatchObject({ 'content-type': expect.stringMatching(/^application\/json/), 'cache-control': 'no-store' })
    }
    expect(await ask('/readyz', 'HEAD')).toMatchObject({ status: 200 })
    for (const [path, method] of [['/readyz/'], ['/READYZ'], ['/livez;x'], ['/readyz', 'POST'], ['/']] as const) {
      expect((await ask(path, method)).status, path).toBe(401)
    }
  })

  it('while it drains it is alive, not ready, and refuses the rest', async () => {
    const mesh = meshOf()
    const ask = await serve(mesh, { health: { ready: '/health/ready' } })
    await mesh.leave()
    expect(await ask('/livez')).toMatchObject({ status: 200, body: '{"status":"draining","ready":false}' })
    expect(await ask('/health/ready')).toMatchObject({ status: 503, body: '{"status":"draining","ready":false}' })
    expect(await ask('/readyz')).toMatchObject({ status: 503, headers: { 'mesh-not-processed': '1' } })
  })

  it('answers no probe unless it is asked to', async () => {
    for (const options of [{}, { health: false }]) {
      const ask = await serve(meshOf(), options)
      expect((await ask('/livez')).status).toBe(401)
    }
  })
})

describe('health', () => {
  it('tells what becomes of the mesh', async () => {
    const mesh = meshOf()
    expect(mesh.health()).toEqual({ status: 'serving', ready: true })
    const drained = mesh.drain()
    expect(mesh.health()).toEqual({ status: 'draining', ready: false })
    await drained
    expect(mesh.health()).toEqual({ status: 'closed', ready: false })
  })

  it('takes no path that routers read in two ways, and no other option', () => {
    const mesh = meshOf()
    expect(() => mesh.inbound({ health: { live: '//livez' } })).toThrow('health.live: expected a path such as /healthz')
    expect(() => mesh.inbound({ health: { healthy: '/h' } as object })).toThrow('health.healthy: unknown option')
    expect(() => mesh.inbound({ health: 1 as never })).toThrow('health: expected')
  })
})
