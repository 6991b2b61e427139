import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { meshErrorIn, type MeshError } from '../src/base/errors.js'
import { createControlPlane } from '../src/control-plane/control-plane.js'
import { expressMesh } from '../src/express.js'
import { consul, createMesh, memory, type Mesh, type ServiceOptions } from '../src/index.js'
import { eventually } from './support/eventually.js'

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function meshTo(users: ServiceOptions, ...listeners: readonly RequestListener[]): Promise<Mesh> {
  const registry = memory()
  const ports = await Promise.all(listeners.map(serve))
  registry.set('users', ports.map((port) => `127.0.0.1:${port}`))
  const mesh = createMesh({ service: 'orders', registry, services: { users: { timeoutMs: 10_000, ...users } } })
  onTestFinished(() => mesh.close())
  await mesh.ready()
  return mesh
}

/** Holds every request until it is told to answer them all; from then on it answers at once. */
function holding() {
  const held: ServerResponse[] = []
  let isOpen = false
  let most = 0
  return {
    held,
    most: () => most,
    listener: ((_, response) => {
      if (isOpen) return void response.end()
      held.push(response)
      most = Math.max(most, held.length)
    }) satisfies RequestListener,
    open() {
      isOpen = true
      for (const response of held.splice(0)) response.end()
    },
  }
}

const codeOf = (error: unknown): string | undefined => meshErrorIn(error)?.code

describe('limits', () => {
  it('L09 a hanging service holds no more than its limit and a bounded queue; the rest is refused within a millisecond', async () => {
    const server = holding()
    const mesh = await meshTo({ limits: { maxInFlight: 5, maxWaiting: 7 } }, server.listener)
    const users = mesh.service('users')
    const served = Array.from({ length: 12 }, () => users.get('/').then(({ status }) => status))
    await eventually(() => expect(server.held).toHaveLength(5))
    expect(mesh.snapshot().services['users']!.limits).toEqual({ inFlight: 5, waiting: 7, limit: 5 })

    const tookMs: number[] = []
    for (let i = 0; i < 200; i++) {
      const startedAt = performance.now()
      expect(await users.get('/').catch(codeOf)).toBe('MESH_ERR_LIMIT')
      tookMs.push(performance.now() - startedAt)
    }
    // The middle one: what a shared machine does to single ones is not the limiter's.
    expect(tookMs.sort((a, b) => a - b)[100]).toBeLessThan(1)
    expect(mesh.snapshot().services['users']!.limits).toEqual({ inFlight: 5, waiting: 7, limit: 5 })
    expect(mesh.snapshot().services['users']!.breaker).toBe('closed')

    server.open()
    expect(await Promise.all(served)).toEqual(Array<number>(12).fill(200))
    await eventually(() => expect(mesh.snapshot().services['users']!.limits).toEqual({ inFlight: 0, waiting: 0, limit: 5 }))
    expect(server.most()).toBe(5)
  })

  it('L09 no endpoint gets more than its limit: a hanging one holds that many calls, and the others serve the rest', async () => {
    const hanging = holding()
    let answered = 0
    const answering: RequestListener = (_, response) => void (answered++, response.end())
    const mesh = await meshTo(
      { limits: { maxInFlightPerEndpoint: 2 }, balancer: { algorithm: 'round-robin' }, outlier: { consecutiveFailures: 0 } },
      hanging.listener,
      answering,
    )
    const users = mesh.service('users')
    const stuck: Promise<unknown>[] = []
    // One after the other, so that the limit of the service is not what bounds them.
    for (let i = 0; i < 60; i++) {
      const call = users.get('/').then((reply) => reply.bytes())
      const isAnswered = await Promise.race([call.then(() => true), eventually(() => expect(hanging.held).toHaveLength(stuck.length + 1)).then(() => false)])
      if (!isAnswered) stuck.push(call)
      if (stuck.length === 2) break
    }
    for (let i = 0; i < 40; i++) await (await users.get('/')).bytes()
    expect([stuck.length, hanging.held.length]).toEqual([2, 2])
    expect(answered).toBeGreaterThanOrEqual(40)
    hanging.open()
    await Promise.all(stuck)
  })

  it('a call waits for room no longer than its own time, and the breaker hears nothing of it', async () => {
    const server = holding()
    const mesh = await meshTo({ limits: { maxInFlight: 1 }, breaker: { minCalls: 1 } }, server.listener)
    const first = mesh.service('users').get('/')
    await eventually(() => expect(server.held).toHaveLength(1))
    const error = await mesh.service('users').get('/', { timeoutMs: 50 }).catch((reason: MeshError) => reason)
    expect(error).toMatchObject({ code: 'MESH_ERR_LIMIT', processed: 'no' })
    expect(mesh.snapshot().services['users']!.breaker).toBe('closed')
    server.open()
    await first
  })

  it('explains its numbers with their origin', async () => {
    const mesh = await meshTo({ limits: { maxInFlight: 7 } })
    expect(mesh.explain('users').policy).toMatchObject({
      'limits.maxInFlight': { value: 7, origin: 'createMesh' },
      'limits.maxWaiting': { value: 1_024, origin: 'default' },
      'throttle.requestsPerAccept': { value: 2, origin: 'default' },
    })
  })

  it.each<[object, string]>([
    [{ limits: { maxInFlight: -1 } }, 'services.users.limits.maxInFlight: expected a whole number of 0 or more, got -1'],
    [{ limits: { maxinflight: 1 } }, 'services.users.limits.maxinflight: unknown option'],
    [{ limits: { adaptive: 1 } }, 'services.users.limits.adaptive: expected true or false, got 1'],
    [{ throttle: { requestsPerAccept: 0.5 } }, 'services.users.throttle.requestsPerAccept: expected a number from 1 to 100, or 0, got 0.5'],
  ])('refuses %j', (users, message) => {
    expect(() => createMesh({ service: 'orders', registry: memory(), services: { users } })).toThrow(message)
  })
})

describe('a service that sheds', () => {
  const shedLow: RequestListener = (request, response) => {
    if (request.headers['mesh-priority'] !== 'low') return void response.end()
    response.writeHead(503, { 'mesh-not-processed': 'shed', 'retry-after': '1' }).end()
  }

  it('is called for what it serves, while what it sheds is held back: no breaker opens and no endpoint is set aside', async () => {
    const mesh = await meshTo({ retry: { maxResends: 0 } }, shedLow, shedLow)
    const users = mesh.service('users')
    const low: (number | string | undefined)[] = []
    for (let i = 0; i < 100; i++) {
      low.push(await users.get('/', { priority: 'low' }).then(({ status }) => status, codeOf))
      expect((await users.get('/')).status).toBe(200)
    }
    expect(new Set(low)).toEqual(new Set([503, 'MESH_ERR_THROTTLED']))
    expect(low.filter((one) => one === 503).length).toBeLessThan(40)
    const { breaker, throttledRatio, endpoints } = mesh.snapshot().services['users']!
    expect([breaker, endpoints.map(({ state }) => state)]).toEqual(['closed', ['ready', 'ready']])
    expect(throttledRatio).toBeGreaterThan(0.5)
  })
})

describe('priority', () => {
  it('is told to the service, by an option or by a header field of whatever client, when it is not the normal one', async () => {
    const seen: unknown[] = []
    const mesh = await meshTo({}, (request, response) => {
      seen.push(request.headers['mesh-priority'])
      response.end()
    })
    await mesh.service('users').get('/', { priority: 'low' })
    await mesh.service('users').get('/', { priority: 'critical', headers: { 'mesh-priority': 'low' } })
    await mesh.service('users').get('/', { priority: 'normal' })
    await mesh.service('users').get('/')
    await mesh.fetch('http://users/', { headers: { 'Mesh-Priority': 'critical' } })
    await mesh.fetch('http://users/', { headers: { 'mesh-priority': 'urgent' } })
    expect(seen).toEqual(['low', 'critical', undefined, undefined, 'critical', undefined])
    await expect(mesh.service('users').get('/', { priority: 'urgent' as never })).rejects.toThrow("priority: expected one of 'critical', 'normal', 'low', got \"urgent\"")
  })

  it('travels with the calls that a request causes', async () => {
    const controlPlane = await createControlPlane({ port: 0, clientSecret: 'hush' })
    onTestFinished(() => controlPlane.close())
    const meshOf = (service: string): Mesh => {
      const mesh = createMesh({ service, registry: consul({ address: controlPlane.url }), identity: { issuer: controlPlane.url, clientSecret: 'hush' } })
      onTestFinished(() => mesh.close())
      return mesh
    }
    const seen: unknown[] = []
    const stock = meshOf('stock')
    await stock.register({ host: '127.0.0.1', port: await serve((request, response) => void (seen.push(request.headers['mesh-priority']), response.end())) })
    const orders = meshOf('orders')
    const app = express()
    app.use(expressMesh(orders, { policy: { allow: [{ from: ['shop'] }] } }))
    app.get('/', async (_, response) => {
      await orders.service('stock').get('/')
      await orders.service('stock').get('/', { priority: 'normal' })
      response.end()
    })
    await orders.register({ host: '127.0.0.1', port: await serve(app) })
    const reply = await meshOf('shop').service('orders').get('/', { priority: 'low' })
    expect([reply.status, seen]).toEqual([200, ['low', undefined]])
  })
})
