import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMesh, fixed, memory, type CalledServiceOptions, type Mesh } from '../../src/index.js'

/** A real server of `users` whose health and speed can be set, and a mesh that calls it. */
async function scene(options: CalledServiceOptions = {}) {
  const users = { failing: false, delayMs: 0, seen: 0, waiting: [] as (() => void)[], held: false }
  const server = createServer((_, response) => {
    users.seen++
    const answer = (): void => void response.writeHead(users.failing ? 500 : 200).end('Ada')
    if (users.held) users.waiting.push(answer)
    else setTimeout(answer, users.delayMs)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const mesh = createMesh({
    service: 'orders',
    registry: fixed({ users: [`127.0.0.1:${(server.address() as AddressInfo).port}`] }),
    services: { users: options },
  })
  onTestFinished(async () => {
    await mesh.close()
    server.closeAllConnections()
    server.close()
  })
  await mesh.ready()
  return { users, mesh, get: () => mesh.service('users').get('/users/42') }
}

function whenBreakerIs(mesh: Mesh, state: string): Promise<void> {
  return new Promise((resolve) => mesh.on('breaker', (event) => event.state === state && resolve()))
}

describe('a failing service', () => {
  it('L10 gets exactly one probe when a thousand calls wait for it, and all of them when it has answered well', async () => {
    const { users, mesh, get } = await scene({ breaker: { minCalls: 5, openMs: 100 } })
    users.failing = true
    const halfOpen = whenBreakerIs(mesh, 'half-open')
    for (let i = 0; i < 5; i++) await (await get()).text()
    expect(mesh.snapshot().services['users']!.breaker).toBe('open')
    await expect(get()).rejects.toMatchObject({ code: 'MESH_ERR_BREAKER_OPEN', processed: 'no' })
    await halfOpen
    users.failing = false
    users.held = true
    const before = users.seen
    const calls = Promise.allSettled(Array.from({ length: 1_000 }, get))
    await expect.poll(() => users.waiting.length).toBe(1)
    users.held = false
    users.waiting[0]!()
    const refused = (await calls).filter(({ status }) => status === 'rejected')
    expect([refused.length, users.seen - before]).toEqual([999, 1])
    expect(mesh.breaker('users').closed).toBe(true)
    // A thousand connections at once would be a test of the backlog.
    const lane = async (): Promise<void> => {
      for (let i = 0; i < 37; i++) expect(await (await get()).text()).toBe('Ada')
    }
    await Promise.all(Array.from({ length: 27 }, lane))
    expect(users.seen - before).toBe(1_000)
  })

  it('is answered for by its fallback, on every way of calling it, and the breaker counts on', async () => {
    const told: string[] = []
    const { users, mesh, get } = await scene({
      breaker: { minCalls: 5 },
      fallback: ({ path }, { code }) => ({ json: { path, code }, headers: { 'x-from': 'memory' } }),
    })
    mesh.on('fallback', ({ service, method }) => told.push(`${method} ${service}`))
    users.failing = true
    for (let i = 0; i < 5; i++) {
      const reply = await get()
      expect([reply.status, reply.fallback, await reply.json()]).toEqual([200, true, { path: '/users/42', code: 'MESH_ERR_RESPONSE' }])
    }
    const response = await mesh.fetch('http://users/users/43')
    expect([response.status, response.headers.get('x-from'), await response.json()]).toEqual([
      200,
      'memory',
      { path: '/users/43', code: 'MESH_ERR_BREAKER_OPEN' },
    ])
    expect(users.seen).toBe(5)
    expect(told).toEqual(Array.from({ length: 6 }, () => 'GET users'))
    expect(mesh.breaker('users').stats).toMatchObject({ fires: 6, failures: 5, rejects: 1, fallbacks: 6 })
  })

  it('has no fallback for a caller who hangs up', async () => {
    const { users, mesh } = await scene({ fallback: () => ({ json: {} }) })
    users.held = true
    const aborter = new AbortController()
    const call = mesh.service('users').get('/', { signal: aborter.signal })
    await expect.poll(() => users.waiting.length).toBe(1)
    aborter.abort()
    await expect(call).rejects.toMatchObject({ code: 'MESH_ERR_ABORTED' })
    expect(mesh.breaker('users').stats).toMatchObject({ fires: 0, fallbacks: 0 })
  })
})

describe('a slow service', () => {
  it('L08 is not sent what has less time than its fastest answer of late; the rest is told what time is left', async () => {
    const { users, mesh, get } = await scene()
    users.delayMs = 60
    await Promise.all(Array.from({ length: 20 }, async () => (await get()).text()))
    const late = mesh.service('users').get('/', { timeoutMs: 30 })
    await expect(late).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', processed: 'no', attempts: 0, message: expect.stringMatching(/^users: GET was not sent, since \S+ ms of its time are left/) as string })
    expect(users.seen).toBe(20)
    expect(mesh.breaker('users').stats.fires).toBe(20)
    expect(await (await mesh.service('users').get('/', { timeoutMs: 10_000 })).text()).toBe('Ada')
  })
})

describe('values that contradict each other', () => {
  it('are refused at the start when the user said both, with both paths', () => {
    const options = { service: 'orders', registry: memory(), services: { users: { timeoutMs: 800, attemptTimeoutMs: 900 } } }
    expect(() => createMesh(options)).toThrow('services.users.attemptTimeoutMs: expected at most services.users.timeoutMs of 800, got 900')
  })

  it('are refused when a registry tells them, and its last good policy stays', async () => {
    const registry = memory()
    registry.set('users', ['127.0.0.1:1'], { timeoutMs: 3_000, attemptTimeoutMs: 1_000 })
    const mesh = createMesh({ service: 'orders', registry, services: { users: {} } })
    onTestFinished(() => mesh.close())
    await mesh.ready()
    const refused = new Promise<readonly string[]>((resolve) => mesh.on('endpointsRefused', ({ reasons }) => resolve(reasons)))
    registry.set('users', ['127.0.0.1:1', '127.0.0.1:2'], { timeoutMs: 500, attemptTimeoutMs: 1_000 })
    expect(await refused).toEqual(['policy.attemptTimeoutMs: expected at most policy.timeoutMs of 500, got 1000'])
    const { policy, endpoints } = mesh.explain('users')
    expect([policy['timeoutMs']!.value, policy['attemptTimeoutMs']!.value, endpoints.length]).toEqual([3_000, 1_000, 2])
  })

  it('give way where one is weaker, and explain() says to what', async () => {
    const registry = memory()
    registry.set('users', ['127.0.0.1:1'], { attemptTimeoutMs: 1_000 })
    const mesh = createMesh({ service: 'orders', registry, services: { users: { timeoutMs: 800 }, stock: { timeoutMs: 700 } } })
    onTestFinished(() => mesh.close())
    await mesh.ready()
    expect(mesh.explain('users').policy['attemptTimeoutMs']).toEqual({ value: 800, origin: 'registry memory, adapted to timeoutMs' })
    expect(mesh.explain('stock').policy['attemptTimeoutMs']).toEqual({ value: 700, origin: 'default, adapted to timeoutMs' })
  })
})
