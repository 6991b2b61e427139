import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import type { Snapshot } from '../../src/call/snapshot.js'
import { etcd } from '../../src/discovery/etcd.js'
import type { EtcdOptions } from '../../src/discovery/etcd-options.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { readSnapshot } from '../../src/discovery/snapshot-reader.js'
import { cutProxy, type CutProxy } from '../support/cut-proxy.js'
import { describeWithEtcd, Etcd } from '../support/etcd.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'
import { follow, type Following } from './support/follow.js'

let server: Etcd
let proxy: CutProxy
/** A prefix of its own for each test. */
let prefix = ''
let tests = 0
const following: Following[] = []
const watchUsers = (options: EtcdOptions = {}, ...ground: [FakeClock?, (() => number)?]): Following => {
  const users = follow(etcd({ endpoints: server.endpoints, prefix, ...options }, ...ground), 'users')
  following.push(users)
  return users
}
const key = (name: string): string => prefix + name

beforeAll(async () => {
  server = await Etcd.start()
  proxy = await cutProxy(server.endpoints[0]!)
})
beforeEach(() => {
  prefix = `/test-${++tests}/`
  proxy.asked.length = 0
})
afterEach(async () => {
  for (const each of following.splice(0)) await each.stop()
})
afterAll(async () => {
  await proxy.close()
  await server.close()
})

/** What the resolver makes of the first list. */
async function read(): Promise<Snapshot> {
  return readSnapshot(await watchUsers().nextSnapshot(), 'users')
}

/** Reads the list, and the word that the watch stands. */
async function untilWatching(users: Following, ports: readonly number[]): Promise<void> {
  await untilPorts(users, ports)
  await users.nextSnapshot()
}

/** Reads on until the ports are these. */
async function untilPorts(users: Following, ports: readonly number[]): Promise<void> {
  for (;;) {
    const { endpoints } = await users.nextSnapshot()
    if (JSON.stringify(endpoints.map((endpoint) => (endpoint as { port: number }).port)) === JSON.stringify(ports)) return
  }
}

describeWithEtcd('following a service in etcd', () => {
  it('puts a key and its value into our words', async () => {
    const value = { host: '10.0.0.7', port: 81, weight: 3, status: 'draining', zone: 'a', region: 'eu', metadata: { version: '2' } }
    const revision = await server.put(key('users/u1'), value)
    expect(await read()).toMatchObject({ service: 'users', revision, endpoints: [{ id: 'u1', ...value }], policy: {} })
  })

  it('is content with a host and a port, and does not mind what it does not know', async () => {
    await server.put(key('users/eu/ü 1'), { host: 'h', port: 1, id: 'another', since: '2031' })
    const { endpoints, refused } = await read()
    expect(endpoints).toMatchObject([{ id: 'eu/ü 1', host: 'h', port: 1, weight: 1, status: 'ready', metadata: {} }])
    expect(refused).toBeUndefined()
  })

  it('sees no key of another service', async () => {
    for (const name of ['user/u', 'users-2/u', 'users2/u', 'users', 'users.notes', 'users-/u', 'usersa/u']) {
      await server.put(key(name), { host: 'h', port: 9 })
    }
    await server.put(key('users/u1'), { host: 'h', port: 1 })
    const { endpoints, refused } = await read()
    expect([endpoints.map(({ id }) => id), refused]).toEqual([['u1'], undefined])
  })

  it('reads what is wanted for calls to the service, and follows it', async () => {
    await server.put(key('users.policy'), { timeoutMs: 700 })
    const users = watchUsers()
    expect((await users.nextSnapshot()).policy).toEqual({ timeoutMs: 700 })
    await server.delete(key('users.policy'))
    await eventually(async () => expect((await users.nextSnapshot()).policy).toBeUndefined())
  })

  it('R04 R13 refuses malformed instances one by one, and serves the rest', async () => {
    await server.put(key('users/a'), { host: 'h', port: 1 })
    const malformed = ['{"host":"h","po', 'null', '[]', '', '7', { host: 'h' }, { host: 'h', port: 0 }]
    for (const [i, value] of malformed.entries()) await server.put(key(`users/b${i}`), value)
    for (const weight of [-1, 1e308, 'NaN']) await server.put(key(`users/c${weight}`), { host: 'h', port: 2, weight })
    await server.put(key('users/'), { host: 'h', port: 3 })
    await server.put(key('users/z'), { host: 'h', port: 4 })
    const { endpoints, refused } = await read()
    expect(endpoints.map(({ id }) => id)).toEqual(['a', 'z'])
    expect(refused).toHaveLength(11)
    expect(refused?.join()).toContain('{\\"host\\":\\"h\\",\\"po')
  })

  it('tells what comes, changes and goes, with revisions that grow', async () => {
    const users = watchUsers()
    const first = await users.nextSnapshot()
    await server.put(key('users/u1'), { host: 'h', port: 1 })
    await untilPorts(users, [1])
    await server.put(key('users/u2'), { host: 'h', port: 2 })
    await untilPorts(users, [1, 2])
    await server.put(key('users/u1'), { host: 'h', port: 3 })
    await untilPorts(users, [3, 2])
    await server.delete(key('users/u1'))
    const last = await users.nextSnapshot()
    expect(last.endpoints).toMatchObject([{ id: 'u2', port: 2 }])
    expect(last.revision).toBe(first.revision + 4)
  })

  it('takes up a watch that broke off where it was, without reading the list again', async () => {
    const clock = new FakeClock()
    const users = watchUsers({ endpoints: [proxy.url] }, clock, () => 0.5)
    await server.put(key('users/u1'), { host: 'h', port: 1 })
    await untilWatching(users, [1])
    proxy.cut()
    const error = await users.next()
    expect(error).toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining(`etcd does not answer at ${proxy.url}`) })
    await server.put(key('users/u2'), { host: 'h', port: 2 })
    await server.delete(key('users/u1'))
    const told = untilPorts(users, [2])
    await eventually(() => expect(clock.pending).toBe(1))
    await clock.advance(250)
    await told
    expect(proxy.asked).toEqual(['/v3/kv/range', '/v3/watch', '/v3/watch'])
  })

  it('R07 reads the whole list when etcd has compacted what it missed, and sees what was removed', async () => {
    const clock = new FakeClock()
    const users = watchUsers({ endpoints: [proxy.url] }, clock, () => 0.5)
    for (const port of [1, 2]) await server.put(key(`users/u${port}`), { host: 'h', port })
    await untilWatching(users, [1, 2])
    proxy.cut()
    expect(await users.next()).toBeInstanceOf(Error)
    await server.delete(key('users/u1'))
    const revision = await server.put(key('users/u3'), { host: 'h', port: 3 })
    await server.post('/kv/compaction', { revision: String(revision) })
    const resumed = (async () => {
      for (;;) {
        const told = await users.next()
        if (told instanceof Error) return told
      }
    })()
    await eventually(() => expect(clock.pending).toBe(1))
    await clock.advance(250)
    expect((await resumed).message).toBe(
      `etcd cancelled its watch of 'users': what came after revision ${revision - 2} is compacted up to ${revision}`,
    )
    const relisted = users.nextSnapshot()
    await eventually(() => expect(clock.pending).toBe(1))
    await clock.advance(250)
    expect(await relisted).toMatchObject({ revision, endpoints: [{ id: 'u2' }, { id: 'u3' }] })
  })

  it('R08 reads the list again when the watch has been silent for long', async () => {
    await server.put(key('users/u1'), { host: 'h', port: 1 })
    const users = watchUsers({ endpoints: [proxy.url], relistMs: 1_000 })
    await untilWatching(users, [1])
    await proxy.silence()
    await server.delete(key('users/u1'))
    const noticed = untilPorts(users, [])
    await vi.waitFor(() => expect(proxy.asked.filter((path) => path === '/v3/kv/range')).toHaveLength(2), 5_000)
    await proxy.heal()
    // The list that was on its way breaks off: from here on it is the resolver that tries again.
    await expect(noticed).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY' })
    await untilPorts(watchUsers({ endpoints: [proxy.url] }), [])
  })

  it('ends at once when it is stopped, and leaves no timer behind', async () => {
    const clock = new FakeClock()
    const users = watchUsers({}, clock, () => 0)
    await users.nextSnapshot()
    await users.nextSnapshot()
    const next = users.next()
    await users.stop()
    expect(await next).toBeUndefined()
    expect(clock.pending).toBe(0)
  })
})

describeWithEtcd('an etcd that restarts', () => {
  it('empty, is believed by the resolver within a few tries', async () => {
    const own = await Etcd.start()
    for (const port of [1, 2, 3]) await own.put('/s/users/u1', { host: 'h', port })
    const events = new Events()
    const errors: MeshEvents['registryError'][] = []
    events.on('registryError', (event) => errors.push(event))
    const registry = etcd({ endpoints: own.endpoints, prefix: '/s/' })
    const resolver = createResolver({ registry, service: 'users', clock: systemClock, random: () => 0.1, events })
    try {
      await eventually(() => expect(resolver.current).toMatchObject({ revision: 4, endpoints: [{ id: 'u1' }] }))
      await own.eraseMember(0)
      expect(resolver.current?.endpoints).toMatchObject([{ id: 'u1' }])
      own.startMember(0)
      await vi.waitFor(() => own.put('/s/users/u9', { host: 'h', port: 9 }), 10_000)
      await vi.waitFor(() => expect(resolver.current).toMatchObject({ revision: 2, endpoints: [{ id: 'u9' }] }), 10_000)
      expect(errors.length).toBeGreaterThan(0)
    } finally {
      await resolver.close()
      await own.close()
    }
  })

  it('shows by its notifications of progress that it lives, and then the list is not read again', async () => {
    const own = await Etcd.start({ flags: ['--experimental-watch-progress-notify-interval', '300ms'] })
    const way = await cutProxy(own.endpoints[0]!)
    const users = follow(etcd({ endpoints: [way.url], prefix: '/s/', relistMs: 2_000 }), 'users')
    try {
      const { revision } = await users.nextSnapshot()
      // Created, and then at most one in 300 ms: by the tenth the list would have been read again.
      for (let i = 0; i < 10; i++) expect(await users.nextSnapshot()).toMatchObject({ revision, endpoints: [] })
      expect(way.asked).toEqual(['/v3/kv/range', '/v3/watch'])
    } finally {
      await users.stop()
      await way.close()
      await own.close()
    }
  })
})
