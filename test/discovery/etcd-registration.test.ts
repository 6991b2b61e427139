import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { Events } from '../../src/call/events.js'
import { etcd } from '../../src/discovery/etcd.js'
import type { EtcdOptions } from '../../src/discovery/etcd-options.js'
import { createRegistrar } from '../../src/discovery/registrar.js'
import type { Instance, Registry } from '../../src/discovery/registry.js'
import { readSnapshot } from '../../src/discovery/snapshot-reader.js'
import { cutProxy, type CutProxy } from '../support/cut-proxy.js'
import { describeWithEtcd, Etcd } from '../support/etcd.js'
import { eventually } from '../support/eventually.js'
import { follow } from './support/follow.js'

const instance: Instance = {
  service: 'users',
  id: 'u1',
  host: '10.0.0.7',
  port: 81,
  weight: 0.5,
  zone: 'a',
  region: 'eu',
  metadata: { version: '2' },
}
const { signal } = new AbortController()
const KEY = '/sidecarless/services/users/u1'

let server: Etcd
let proxy: CutProxy
const open = (options: EtcdOptions = {}): Registry => etcd({ endpoints: [proxy.url], ...options })
const beats = (): number => proxy.asked.filter((path) => path === '/v3/lease/keepalive').length

beforeAll(async () => {
  server = await Etcd.start()
  proxy = await cutProxy(server.endpoints[0]!)
})
beforeEach(async () => {
  proxy.asked.length = 0
  expect(await server.all()).toEqual({})
})
afterAll(async () => {
  await proxy.close()
  await server.close()
})

describeWithEtcd('registering in etcd', () => {
  it('says everything about the instance, and is found by whoever follows the service', async () => {
    const registration = await open().register(instance, { signal })
    const { service: _, id, ...rest } = instance
    const users = follow(open(), 'users')
    expect(readSnapshot(await users.nextSnapshot(), 'users').endpoints).toMatchObject([{ id, status: 'ready', ...rest }])
    expect(JSON.parse((await server.all())[KEY]!)).toEqual(rest)
    await Promise.all([registration.deregister(), registration.deregister()])
    expect([await server.all(), await server.leases()]).toEqual([{}, []])
    expect(proxy.asked.filter((path) => path === '/v3/lease/revoke')).toHaveLength(1)
    await users.stop()
  })

  it('stands under the address from which it reaches etcd when it gives none', async () => {
    const registration = await open().register({ ...instance, host: undefined }, { signal })
    expect(JSON.parse((await server.all())[KEY]!)).toMatchObject({ host: '127.0.0.1' })
    await registration.deregister()
  })

  it('asks for 15 s, and for whole seconds', async () => {
    for (const [ttlMs, seconds] of [[undefined, '15'], [3_001, '4'], [1_000, '2']] as const) {
      const registration = await open({ ttlMs }).register(instance, { signal })
      const [ID] = await server.leases()
      expect(await server.post('/lease/timetolive', { ID })).toMatchObject({ grantedTTL: seconds })
      await registration.deregister()
    }
  })

  it('keeps its lease alive by a heartbeat at every third of its time', async () => {
    const registration = await open({ ttlMs: 2_000 }).register(instance, { signal })
    const [lease] = await server.leases()
    await vi.waitFor(() => expect(beats()).toBe(5), 10_000)
    expect(await server.leases()).toEqual([lease])
    expect(Object.keys(await server.all())).toEqual([KEY])
    await registration.deregister()
  })

  it('outlives a heartbeat that is cut off', async () => {
    const registration = await open({ ttlMs: 2_000 }).register(instance, { signal })
    let lost = false
    void registration.lost.then(() => (lost = true))
    // Later than the first time of the lease, so that it counts when etcd was heard last.
    await vi.waitFor(() => expect(beats()).toBe(4), 5_000)
    await proxy.silence()
    await vi.waitFor(() => expect(beats()).toBe(5), 5_000)
    await proxy.heal()
    await vi.waitFor(() => expect(beats()).toBe(7), 5_000)
    expect([lost, await server.leases()]).toMatchObject([false, { length: 1 }])
    await registration.deregister()
  })

  it('has lost its place when the lease is gone, and can be taken out all the same', async () => {
    const registration = await open({ ttlMs: 2_000 }).register(instance, { signal })
    const [ID] = await server.leases()
    await server.post('/lease/revoke', { ID })
    expect((await registration.lost).message).toBe("etcd has let the lease of 'u1' run out")
    await registration.deregister()
  })

  it('has lost its place when etcd cannot be told for longer than the lease lasts', async () => {
    const own = await Etcd.start()
    try {
      const registration = await etcd({ endpoints: own.endpoints, ttlMs: 2_000 }).register(instance, { signal })
      await own.stopMember(0)
      expect((await registration.lost).message).toContain(`etcd does not answer at ${own.endpoints[0]}: `)
      await expect(registration.deregister()).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY' })
    } finally {
      await own.close()
    }
  })

  it('R10 stands there again when its lease was lost, and never twice', async () => {
    const events = new Events()
    let registered = 0
    const again = new Promise<void>((resolve) => events.on('registered', () => ++registered === 2 && resolve()))
    const registrar = createRegistrar({ registry: open({ ttlMs: 2_000 }), clock: systemClock, random: () => 0.1, events })
    await registrar.register(instance)
    const [ID] = await server.leases()
    await server.post('/lease/revoke', { ID })
    expect(await server.all()).toEqual({})
    await again
    expect(Object.keys(await server.all())).toEqual([KEY])
    expect(await server.leases()).not.toEqual([ID])
    await registrar.deregister()
    expect([await server.all(), await server.leases()]).toEqual([{}, []])
  })

  it('leaves no lease behind when the key was not taken', async () => {
    const tooLarge = { ...instance, metadata: { notes: 'x'.repeat(2_000_000) } }
    await expect(open().register(tooLarge, { signal })).rejects.toMatchObject({
      code: 'MESH_ERR_OPTION',
      message: `etcd at ${proxy.url} refuses with status 400: etcdserver: request is too large`,
    })
    expect(await server.leases()).toEqual([])
  })

  it('gives a try up when it is told to', async () => {
    const aborter = new AbortController()
    await proxy.silence()
    const registering = open().register(instance, { signal: aborter.signal })
    await eventually(() => expect(proxy.asked).toHaveLength(1))
    aborter.abort(new Error('enough'))
    await expect(registering).rejects.toThrow('enough')
    await proxy.heal()
  })
})

describeWithEtcd('an etcd with users', () => {
  const joe = { username: 'joe', password: 'joe-s3cret' }
  let guarded: Etcd
  let root = ''
  const manage = (path: string, body: object): Promise<unknown> =>
    fetch(`${guarded.endpoints[0]}/v3${path}`, { method: 'POST', headers: { authorization: root }, body: JSON.stringify(body) })

  beforeAll(async () => {
    guarded = await Etcd.start({ flags: ['--auth-token-ttl', '1', '--bcrypt-cost', '4'] })
    for (const [name, password] of [['root', 'root-s3cret'], ['joe', joe.password], ['jim', 'jim-s3cret']]) {
      await guarded.post('/auth/user/add', { name, password })
    }
    await guarded.post('/auth/role/add', { name: 'root' })
    await guarded.post('/auth/role/add', { name: 'services' })
    const ends = { key: btoa('/sidecarless/'), range_end: btoa('/sidecarless0') }
    await guarded.post('/auth/role/grant', { name: 'services', perm: { permType: 'READWRITE', ...ends } })
    await guarded.post('/auth/user/grant', { user: 'root', role: 'root' })
    await guarded.post('/auth/user/grant', { user: 'joe', role: 'services' })
  })
  afterAll(() => guarded.close())

  it('that are not switched on takes everybody, and from then on those whom it knows', async () => {
    const registry = etcd({ endpoints: guarded.endpoints, ...joe })
    const before = await registry.register(instance, { signal })
    await guarded.post('/auth/enable', {})
    root = (await guarded.post('/auth/authenticate', { name: 'root', password: 'root-s3cret' })).token!
    const after = await registry.register({ ...instance, id: 'u2' }, { signal })
    const users = follow(registry, 'users')
    expect((await users.nextSnapshot()).endpoints).toMatchObject([{ id: 'u1' }, { id: 'u2' }])
    await Promise.all([before.deregister(), after.deregister()])
    await users.stop()
  })

  it('is asked with a new token when the old one has run out or been forgotten', async () => {
    const registry = etcd({ endpoints: guarded.endpoints, ...joe, relistMs: 1_000, ttlMs: 2_000 })
    const registration = await registry.register(instance, { signal })
    const resolved = follow(registry, 'users')
    await resolved.nextSnapshot()
    await guarded.stopMember(0)
    guarded.startMember(0)
    await vi.waitFor(async () => expect((await fetch(`${guarded.endpoints[0]}/health`)).status).toBe(200), 10_000)
    const again = await vi.waitFor(() => registry.register({ ...instance, id: 'u2' }, { signal }), 10_000)
    await resolved.stop()
    const users = follow(registry, 'users')
    expect((await users.nextSnapshot()).endpoints).toContainEqual(expect.objectContaining({ id: 'u2' }))
    await users.stop()
    await Promise.all([registration.deregister(), again.deregister()])
  })

  it.each([
    ['nobody', {}, 'etcdserver: user name is empty'],
    ['the wrong password', { username: 'joe', password: 'jim-s3cret' }, 'etcdserver: authentication failed, invalid user ID or password'],
    ['somebody who may not', { username: 'jim', password: 'jim-s3cret' }, 'etcdserver: permission denied'],
  ])('refuses %s for good, and the error shows no secret', async (_, user, reason) => {
    const registry = etcd({ endpoints: guarded.endpoints, ...user })
    const refused = await registry.register(instance, { signal }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(reason) })
    const users = follow(registry, 'users')
    const unseen = await users.next().catch((error: unknown) => error)
    expect(unseen).toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining(reason) })
    await users.stop()
    for (const error of [refused, unseen]) {
      expect(JSON.stringify(error, [...Object.getOwnPropertyNames(error), 'cause', 'message', 'stack'])).not.toContain('s3cret')
    }
  })

  it('takes a right that was given meanwhile', async () => {
    const registry = etcd({ endpoints: guarded.endpoints, username: 'jim', password: 'jim-s3cret' })
    await expect(registry.register(instance, { signal })).rejects.toMatchObject({ code: 'MESH_ERR_OPTION' })
    root = (await guarded.post('/auth/authenticate', { name: 'root', password: 'root-s3cret' })).token!
    await manage('/auth/user/grant', { user: 'jim', role: 'services' })
    const registration = await registry.register(instance, { signal })
    await registration.deregister()
  })
})
