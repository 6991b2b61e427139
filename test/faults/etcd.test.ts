import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { seededRandom } from '../../src/base/random.js'
import { Events } from '../../src/call/events.js'
import { etcd } from '../../src/discovery/etcd.js'
import { createRegistrar } from '../../src/discovery/registrar.js'
import type { Instance } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { createMesh } from '../../src/mesh.js'
import { cutProxy } from '../support/cut-proxy.js'
import { describeWithEtcd, Etcd } from '../support/etcd.js'

const PREFIX = '/sidecarless/services/'
const ground = { clock: systemClock, random: Math.random, events: new Events() }
const place = { weight: 1, zone: undefined, region: undefined, metadata: {} }
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

let server: Etcd
afterEach(() => server.close())

async function startUsers(): Promise<Instance> {
  const users = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(users, 'listening')
  onTestFinished(() => void users.close().closeAllConnections())
  const { port } = users.address() as AddressInfo
  return { ...place, service: 'users', id: `u${port}`, host: '127.0.0.1', port }
}

describeWithEtcd('a fault of etcd', () => {
  it('R14 leader change and quorum loss cost no call, and what changed is seen afterwards', async () => {
    server = await Etcd.start({ members: 3 })
    const registry = etcd({ endpoints: server.endpoints })
    const registrar = createRegistrar({ ...ground, registry })
    for (let i = 0; i < 3; i++) await registrar.register(await startUsers())
    const mesh = createMesh({ service: 'orders', registry: etcd({ endpoints: server.endpoints }), services: { users: {} } })
    await mesh.ready()
    const seen: number[] = []
    mesh.on('endpoints', ({ ready }) => seen.push(ready))
    const stands = (count: number): Promise<void> => vi.waitFor(() => expect(seen.at(-1)).toBe(count), 60_000)

    let running = true
    let done = 0
    const lost: unknown[] = []
    const load = (async () => {
      for (; running; await wait(10)) {
        const reply = await mesh.service('users').get('/').catch((error: unknown) => lost.push(error))
        if (typeof reply === 'object') await reply.text()
        done++
      }
    })()

    const leader = await server.leader()
    await server.stopMember(leader)
    await registrar.register(await startUsers())
    await stands(4)
    const second = (leader + 1) % 3
    await server.stopMember(second)
    // Longer than the leases last: nobody is left who could let them run out.
    await wait(25_000)
    expect(Math.min(...seen)).toBe(4)
    server.startMember(leader)
    server.startMember(second)
    await registrar.register(await startUsers())
    await stands(5)
    // Longer than the leases that survived: who has not come back by then is missed.
    await wait(20_000)
    running = false
    await load
    expect({ lost, seen }).toEqual({ lost: [], seen: [4, 5] })
    expect(done).toBeGreaterThan(2_000)
    await registrar.deregister()
    await mesh.close()
  })

  it('R10 a process that was stopped for 30 s is registered again within 2 s of waking, and never twice', async () => {
    server = await Etcd.start()
    const script = `
      import { systemClock as clock } from './src/base/clock.ts'
      import { Events } from './src/call/events.ts'
      import { etcd } from './src/discovery/etcd.ts'
      import { createRegistrar } from './src/discovery/registrar.ts'
      const registry = etcd({ endpoints: ['${server.endpoints[0]}'] })
      const registrar = createRegistrar({ registry, clock, random: Math.random, events: new Events() })
      await registrar.register({ service: 'users', id: 'u1', host: 'h', port: 1, weight: 1, metadata: {} })
      setInterval(() => {}, 1_000)
    `
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: 'inherit',
      cwd: new URL('../..', import.meta.url),
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const keys = async (): Promise<string[]> => Object.keys(await server.all())
    await vi.waitFor(async () => expect(await keys()).toHaveLength(1), 10_000)
    const [lease] = await server.leases()
    child.kill('SIGSTOP')
    await wait(30_000)
    expect([await keys(), await server.leases()]).toEqual([[], []])
    child.kill('SIGCONT')
    await vi.waitFor(async () => expect(await keys()).toEqual([`${PREFIX}users/u1`]), { timeout: 2_000, interval: 20 })
    await wait(20_000)
    expect(await keys()).toHaveLength(1)
    expect(await server.leases()).toHaveLength(1)
    expect(await server.leases()).not.toEqual([lease])
  })

  it('R07 compaction while connections break and everything changes leaves the true picture', async () => {
    server = await Etcd.start()
    const proxy = await cutProxy(server.endpoints[0]!)
    const compactions: string[] = []
    const events = new Events()
    events.on('registryError', ({ error }) => error.message.includes('compacted') && compactions.push(error.message))
    const registry = etcd({ endpoints: [proxy.url] })
    const resolver = createResolver({ ...ground, events, registry, service: 'users' })
    const random = seededRandom(7)
    for (let round = 0; round < 40; round++) {
      proxy.cut()
      for (let i = 0; i < 50; i++) {
        const key = `${PREFIX}users/u${Math.floor(random() * 100)}`
        if (random() < 0.3) await server.delete(key)
        else await server.put(key, { host: 'h', port: 20_000 + Math.floor(random() * 40_000) })
      }
      const { header } = await server.post('/kv/range', { key: 'AA==' })
      await server.post('/kv/compaction', { revision: header.revision })
      await wait(200)
    }
    const portOf = (value: string): number => (JSON.parse(value) as { port: number }).port
    const truth = Object.entries(await server.all()).map(([key, value]) => [key.slice(`${PREFIX}users/`.length), portOf(value)])
    const picture = (): unknown[] => (resolver.current?.endpoints ?? []).map(({ id, port }) => [id, port]).sort()
    await vi.waitFor(() => expect(picture()).toEqual(truth.sort()), 5_000)
    expect(compactions.length).toBeGreaterThan(0)
    await resolver.close()
    await proxy.close()
  })
})
