import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { consul, type ConsulOptions } from '../../src/discovery/consul.js'
import { createRegistrar } from '../../src/discovery/registrar.js'
import type { Instance } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { readSnapshot } from '../../src/discovery/snapshot-reader.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'
import { FakeConsul, healthEntry } from './support/fake-consul.js'
import { follow, type Following } from './support/follow.js'

let server: FakeConsul
const following: Following[] = []
const watchUsers = (options: ConsulOptions = {}): Following => {
  const users = follow(consul({ address: server.url, ...options }), 'users')
  following.push(users)
  return users
}
const instance: Instance = { service: 'users', id: 'u1', host: '127.0.0.1', port: 8081, weight: 3, zone: 'a', region: 'r', metadata: { version: '2' } }
const { signal } = new AbortController()

beforeEach(async () => {
  server = await FakeConsul.start()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const each of following.splice(0)) await each.stop()
  await server.close()
})

/** What the resolver makes of one answer with these entries. */
async function read(...entries: unknown[]) {
  server.entries = entries
  return readSnapshot(await watchUsers().nextSnapshot(), 'users')
}

describe('following a service in Consul', () => {
  it('puts an entry into our words', async () => {
    const { revision, endpoints } = await read(
      healthEntry(8081, { Meta: { zone: 'a', region: 'r', priority: '2', version: '2' }, Weights: { Passing: 5, Warning: 1 } }),
    )
    expect(revision).toBe(10)
    const place = { zone: 'a', region: 'r', priority: 2 }
    expect(endpoints).toEqual([
      { id: 'users-8081@node-1', host: '127.0.0.1', port: 8081, weight: 5, status: 'ready', ...place, metadata: { version: '2' } },
    ])
  })

  it('takes no place from words in Meta that were not meant for it', async () => {
    const { endpoints } = await read(healthEntry(1, { Meta: { zone: '', region: '', priority: 'high' } }))
    expect(endpoints).toMatchObject([{ zone: undefined, region: undefined, priority: 0, metadata: { priority: 'high' } }])
  })

  it('falls back to the address of the node, to no zone and to weight 1', async () => {
    const { endpoints } = await read(healthEntry(1, { Address: '', Meta: null, Weights: undefined }))
    expect(endpoints[0]).toMatchObject({ host: '10.0.0.1', zone: undefined, weight: 1, metadata: {} })
  })

  it('tells apart instances that have the same id on different nodes', async () => {
    const other = { ...healthEntry(1), Node: { Node: 'node-2', Address: '10.0.0.2' } }
    expect((await read(healthEntry(1), other)).endpoints.map(({ id }) => id)).toEqual(['users-1@node-1', 'users-1@node-2'])
  })

  it('serves a warning at its own weight, and leaves out what is critical or in maintenance', async () => {
    const maintenance = { ...healthEntry(4), Checks: [{ CheckID: '_service_maintenance:users-4', Status: 'critical' }] }
    const { endpoints, refused } = await read(
      healthEntry(1),
      healthEntry(2, { Weights: { Passing: 8, Warning: 2 } }, ['passing', 'warning']),
      healthEntry(3, {}, ['warning', 'critical']),
      maintenance,
    )
    expect(endpoints.map(({ port, weight }) => [port, weight])).toEqual([[1, 1], [2, 2]])
    expect(refused).toBeUndefined()
  })

  it('R13 refuses malformed entries one by one', async () => {
    const { endpoints, refused } = await read(
      healthEntry(1),
      healthEntry(0),
      healthEntry(2, { Weights: { Passing: -1, Warning: 1 } }),
      null,
      'users',
      { Service: null },
      healthEntry(3, { Meta: 'zone' }),
      healthEntry(4, { ID: 4 }),
      healthEntry(1),
      healthEntry(5),
    )
    expect(endpoints.map(({ port }) => port)).toEqual([1, 5])
    expect(refused).toHaveLength(8)
  })

  it('holds a query until something changes, and tells the change', async () => {
    const users = watchUsers({ waitMs: 60_000 })
    expect(await users.nextSnapshot()).toMatchObject({ revision: 10, endpoints: [] })
    const next = users.nextSnapshot()
    const held = await server.heard(/health/, 1)
    expect(server.asked[0]!.query).toEqual({})
    expect(held.query).toEqual({ index: '10', wait: '60000ms' })
    server.change([healthEntry(1)])
    expect(await next).toMatchObject({ revision: 11 })
  })

  it('takes a return without a change for no more than a sign of life', async () => {
    const users = watchUsers({ waitMs: 1_000 })
    await users.nextSnapshot()
    expect(await users.nextSnapshot()).toMatchObject({ revision: 10 })
  })

  it('never waits at index 0', async () => {
    server.index = 0
    const users = watchUsers()
    await users.nextSnapshot()
    await users.nextSnapshot()
    expect(server.asked.map(({ query }) => query['index'])).toEqual([undefined, '1'])
  })

  it('begins again without an index when the index went back, and believes what it finds', async () => {
    server.entries = [healthEntry(1)]
    const events = new Events()
    const errors: MeshEvents['registryError'][] = []
    events.on('registryError', (event) => errors.push(event))
    const resolver = createResolver({ registry: consul({ address: server.url }), service: 'users', clock: systemClock, random: () => 0, events })
    const ports: number[] = []
    const restored = new Promise<void>((resolve) =>
      resolver.subscribe(({ endpoints }) => {
        ports.push(...endpoints.map(({ port }) => port))
        if (ports.at(-1) === 2) resolve()
      }),
    )
    await server.heard(/health/, 1)
    server.change([healthEntry(2)], 3)
    await restored
    expect(errors.map(({ error }) => error.message)).toEqual(["Consul's index of 'users' went back from 10 to 3: its state was replaced"])
    expect(server.asked.map(({ query }) => query['index']).slice(0, 3)).toEqual([undefined, '10', undefined])
    expect([ports, resolver.current?.revision]).toEqual([[1, 2], 3])
    await resolver.close()
  })

  it.each([
    ['a failing server', { status: 500, body: 'rpc error: No cluster leader' }, 'MESH_ERR_REGISTRY', "Consul would not tell the instances of 'users': status 500: rpc error: No cluster leader"],
    ['a redirect', { status: 301, body: '' }, 'MESH_ERR_REGISTRY', 'status 301'],
    ['R04 half JSON', { status: 200, body: '[{"Node":' }, 'MESH_ERR_SNAPSHOT', "Consul's answer about 'users' is not JSON"],
    ['R04 null', { status: 200, body: 'null' }, 'MESH_ERR_SNAPSHOT', 'is not a list'],
    ['a missing index', { status: 200, body: '[]', index: undefined }, 'MESH_ERR_SNAPSHOT', 'has no usable X-Consul-Index: undefined'],
    ['an index that is none', { status: 200, body: '[]', index: 'x' }, 'MESH_ERR_SNAPSHOT', 'has no usable X-Consul-Index: x'],
  ])('fails on %s', async (_, { status, body, ...rest }, code, message) => {
    const index = 'index' in rest ? rest.index : '11'
    server.instead(/health/, (response) => response.writeHead(status, index === undefined ? {} : { 'x-consul-index': index }).end(body))
    await expect(watchUsers().next()).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('keeps what it knew through failures, and catches up', async () => {
    server.entries = [healthEntry(1)]
    for (const status of [500, 503]) server.instead(/health/, (response) => response.writeHead(status).end())
    const errors: unknown[] = []
    const events = new Events()
    events.on('registryError', ({ error }) => errors.push(error))
    const resolver = createResolver({ registry: consul({ address: server.url }), service: 'users', clock: systemClock, random: () => 0, events })
    await new Promise<void>((resolve) => resolver.subscribe(() => resolve()))
    expect([errors.length, resolver.current?.endpoints.length]).toEqual([2, 1])
    await resolver.close()
  })

  it('names the address when nobody is there', async () => {
    const { url } = server
    await server.close()
    await expect(watchUsers({ address: url }).next()).rejects.toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: expect.stringMatching(new RegExp(`^Consul does not answer at ${url}: .*ECONNREFUSED`)),
    })
    server = await FakeConsul.start()
  })

  it('ends a held query at once when it is stopped', async () => {
    const users = watchUsers({ waitMs: 600_000 })
    await users.nextSnapshot()
    const next = users.next()
    await server.heard(/health/, 1)
    await users.stop()
    expect(await next).toBeUndefined()
  })

  it('asks in the datacenter and with the token that it was given, and shows the token to nobody', async () => {
    const { nextSnapshot } = watchUsers({ datacenter: 'dc 2', token: 's3cret' })
    await nextSnapshot()
    expect(server.asked[0]).toMatchObject({ query: { dc: 'dc 2' }, headers: { 'x-consul-token': 's3cret' } })
    server.instead(/health/, (response) => response.writeHead(403).end('Permission denied'))
    const error = await watchUsers({ token: 's3cret' }).next().catch((e: unknown) => e)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('s3cret')
  })
})

describe('where Consul is', () => {
  it('is said by the environment, with or without a scheme', async () => {
    vi.stubEnv('CONSUL_HTTP_ADDR', server.url.replace('http://', ''))
    vi.stubEnv('CONSUL_HTTP_TOKEN', 'from-env')
    const users = follow(consul(), 'users')
    expect(await users.nextSnapshot()).toMatchObject({ revision: 10 })
    expect(server.asked[0]!.headers['x-consul-token']).toBe('from-env')
    await users.stop()
    vi.stubEnv('CONSUL_HTTP_ADDR', `${server.url}/`)
    const again = follow(consul(), 'users')
    await again.nextSnapshot()
    await again.stop()
  })

  it('is the embedded control plane when nobody says, and over TLS when the environment asks for it', async () => {
    const addressOf = async (): Promise<string> => {
      const { message } = (await follow(consul({ waitMs: 1_000 }), 'users').next().catch((e: unknown) => e)) as Error
      return message
    }
    vi.stubEnv('CONSUL_HTTP_ADDR', '127.0.0.1:1')
    vi.stubEnv('CONSUL_HTTP_SSL', 'true')
    expect(await addressOf()).toContain('https://127.0.0.1:1:')
    vi.stubEnv('CONSUL_HTTP_SSL', 'false')
    expect(await addressOf()).toContain('http://127.0.0.1:1:')
  })

  it.each([
    ['an unknown option', { adress: 'http://h' }, 'consul.adress: unknown option'],
    ['an address without a scheme', { address: 'h:8500' }, 'consul.address: expected an http:// or https:// URL'],
    ['a negative time', { ttlMs: -1 }, 'consul.ttlMs: expected a whole number from 1000 to 86400000, got -1'],
    ['a wait that Consul would cut', { waitMs: 3_600_000 }, 'consul.waitMs: expected a whole number from 1000 to 600000'],
    ['a wait without end', { waitMs: Infinity }, 'consul.waitMs: expected'],
    ['tags that are no list', { tags: 'a' }, 'consul.tags: expected a list, got "a"'],
    ['an empty token', { token: '' }, 'consul.token: expected a non-empty string'],
  ])('refuses %s', (_, options, reason) => {
    expect(() => consul(options as ConsulOptions)).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(reason) }))
  })

  it('names the variable of the environment that is wrong', () => {
    vi.stubEnv('CONSUL_HTTP_ADDR', 'unix:///run/consul.sock')
    expect(() => consul()).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining('CONSUL_HTTP_ADDR: expected') }))
  })
})

describe('registering in Consul', () => {
  it('says everything about the instance, and is found by whoever follows the service', async () => {
    const registry = consul({ address: server.url, tags: ['blue'], token: 't' })
    const registration = await registry.register(instance, { signal })
    expect(server.asked[0]).toMatchObject({
      method: 'PUT',
      path: '/v1/agent/service/register',
      query: { 'replace-existing-checks': 'true' },
      headers: { 'x-consul-token': 't', 'content-type': 'application/json' },
    })
    expect(server.asked[0]!.body).toEqual({
      ID: 'u1',
      Name: 'users',
      Address: '127.0.0.1',
      Port: 8081,
      Tags: ['blue'],
      Meta: { version: '2', zone: 'a', region: 'r' },
      Weights: { Passing: 3, Warning: 3 },
      Check: { CheckID: 'service:u1', TTL: '15000ms', Status: 'passing', DeregisterCriticalServiceAfter: '60000ms' },
    })
    const found = readSnapshot(await watchUsers().nextSnapshot(), 'users').endpoints[0]
    const { service: _, id, ...rest } = instance
    expect(found).toEqual({ id: `${id}@node-1`, status: 'ready', priority: 0, ...rest })
    await Promise.all([registration.deregister(), registration.deregister()])
    expect(server.entries).toEqual([])
    expect(server.asked.filter(({ path }) => path.includes('deregister'))).toHaveLength(1)
  })

  it('leaves the address to the agent when there is none', async () => {
    const registration = await consul({ address: server.url }).register({ ...instance, host: undefined }, { signal })
    expect(server.asked[0]!.body).not.toHaveProperty('Address')
    await registration.deregister()
  })

  it('passes its check at every third of the TTL, and stops when it leaves', async () => {
    const clock = new FakeClock()
    const registration = await consul({ address: server.url, ttlMs: 9_000 }, clock).register(instance, { signal })
    for (let beat = 1; beat <= 3; beat++) {
      const before = server.asked.length
      await clock.advance(2_999)
      expect(server.asked).toHaveLength(before)
      await clock.advance(1)
      expect(await server.heard(/check\/pass/, before)).toMatchObject({ method: 'PUT', path: '/v1/agent/check/pass/service:u1' })
      await eventually(() => expect(clock.pending).toBe(1))
    }
    await registration.deregister()
    expect(clock.pending).toBe(0)
  })

  it.each([404, 500])('has lost its place when the pass is answered with %d', async (status) => {
    const registration = await consul({ address: server.url, ttlMs: 1_000 }).register(instance, { signal })
    server.instead(/check\/pass/, (response) => response.writeHead(status).end('Unknown check ID "service:u1"'))
    expect((await registration.lost).message).toBe(`Consul would not pass the check of 'u1': status ${status}: Unknown check ID "service:u1"`)
    await registration.deregister()
  })

  it('outlives a pass that is not answered, and has lost its place when the TTL has run out', async () => {
    const registration = await consul({ address: server.url, ttlMs: 1_000 }).register(instance, { signal })
    server.instead(/check\/pass/, (response) => response.destroy())
    const asked = server.asked.length
    await server.heard(/check\/pass/, asked)
    await server.heard(/check\/pass/, asked + 1)
    await server.close()
    expect((await registration.lost).message).toContain('Consul does not answer at')
    await expect(registration.deregister()).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY' })
    server = await FakeConsul.start()
  })

  it('R10 stands there again when Consul has forgotten the instance, and never twice', async () => {
    const events = new Events()
    let registered = 0
    const again = new Promise<void>((resolve) => events.on('registered', () => ++registered === 2 && resolve()))
    const registrar = createRegistrar({ registry: consul({ address: server.url, ttlMs: 1_000 }), clock: systemClock, random: () => 0.1, events })
    await registrar.register(instance)
    server.change([])
    await again
    expect(server.entries).toHaveLength(1)
    await registrar.deregister()
    expect(server.entries).toEqual([])
  })

  it.each([400, 403])('refuses for good what Consul will never take: %d', async (status) => {
    server.instead(/register/, (response) => response.writeHead(status).end('Invalid service meta'))
    await expect(consul({ address: server.url }).register(instance, { signal })).rejects.toMatchObject({
      code: 'MESH_ERR_OPTION',
      message: `Consul would not register this instance: status ${status}: Invalid service meta`,
    })
  })

  it('refuses a weight that Consul cannot hold, and asks nobody', async () => {
    await expect(consul({ address: server.url }).register({ ...instance, weight: 0.5 }, { signal })).rejects.toMatchObject({
      code: 'MESH_ERR_OPTION',
      message: 'weight: expected a whole number from 1 to 65535, got 0.5',
    })
    expect(server.asked).toEqual([])
  })

  it('fails for now on a server that fails, and takes an instance that is gone for deregistered', async () => {
    const registry = consul({ address: server.url })
    server.instead(/register/, (response) => response.writeHead(500).end())
    await expect(registry.register(instance, { signal })).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY' })
    const registration = await registry.register(instance, { signal })
    server.change([])
    await registration.deregister()
  })
})

