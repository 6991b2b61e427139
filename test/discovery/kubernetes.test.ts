import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import type { Snapshot } from '../../src/call/snapshot.js'
import { kubernetes, type KubernetesOptions } from '../../src/discovery/kubernetes.js'
import type { RawSnapshot } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'
import { KubernetesApi, type ServerOptions } from '../support/kubernetes-api/server.js'
import { podEndpoint, usersSlice } from '../support/kubernetes-api/slice.js'
import { makeTestCa } from '../support/kubernetes-api/test-ca.js'
import { follow, type Following } from './support/follow.js'

let server: KubernetesApi
const closers: (() => unknown)[] = []

async function begin(options: ServerOptions = {}): Promise<KubernetesApi> {
  const api = await KubernetesApi.start(options)
  closers.push(() => api.close())
  return api
}

function watchUsers(options: KubernetesOptions = {}, clock: Clock = systemClock): Following {
  const users = follow(kubernetes({ url: server.url, ...options }, clock), 'users')
  closers.push(() => users.stop())
  return users
}

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'account-'))
  closers.push(() => rm(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return dir
}

const hostsOf = ({ endpoints }: RawSnapshot | Snapshot): unknown[] =>
  endpoints.map((endpoint) => (endpoint as { host: unknown }).host)

const meshError = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

/** A snapshot with these addresses; the ones before it are passed over. */
async function until(users: Following, ...hosts: string[]): Promise<RawSnapshot> {
  for (;;) {
    const snapshot = await users.nextSnapshot()
    if (String(hostsOf(snapshot)) === String(hosts)) return snapshot
  }
}

const put = (name: string, ...addresses: string[]): void =>
  server.store.put(usersSlice(name, addresses.map((address) => podEndpoint(`pod-${address}`, address))))

beforeEach(async () => {
  server = await begin()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closers.splice(0).reverse()) await close()
})

describe('following a service in Kubernetes', () => {
  it('tells what is there, then every change', async () => {
    put('users-a', '10.0.0.1')
    const users = watchUsers()
    expect(hostsOf(await users.nextSnapshot())).toEqual(['10.0.0.1'])
    await server.until(() => server.watches.length === 1)
    put('users-b', '10.0.0.2')
    await until(users, '10.0.0.2', '10.0.0.1')
    put('users-a', '10.0.0.3')
    await until(users, '10.0.0.2', '10.0.0.3')
    server.store.delete('users-b')
    await until(users, '10.0.0.3')
    expect([server.lists.length, server.watches.length]).toEqual([1, 1])
  })

  it('asks for its own slices only, in the words of the API', async () => {
    server.store.put(usersSlice('mail-a', [], { metadata: { name: 'mail-a', labels: { 'kubernetes.io/service-name': 'mail' } } }))
    server.allowed.add('shop')
    put('users-a', '10.0.0.1')
    const metadata = { name: 'users-a', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'users' } }
    server.store.put(usersSlice('users-a', [podEndpoint('p', '10.0.0.2')], { metadata }))
    expect(hostsOf(await watchUsers({ namespace: 'shop' }).nextSnapshot())).toEqual(['10.0.0.2'])
    await server.until(() => server.watches.length === 1)
    const labelSelector = 'kubernetes.io/service-name=users'
    expect(Object.fromEntries(server.lists[0]!.query)).toEqual({ labelSelector, limit: '500' })
    const { timeoutSeconds, ...query } = Object.fromEntries(server.watches[0]!.query)
    expect(query).toEqual({
      labelSelector,
      watch: 'true',
      resourceVersion: String(server.store.version),
      allowWatchBookmarks: 'true',
    })
    expect(Number(timeoutSeconds)).toBeGreaterThan(33)
    expect(Number(timeoutSeconds)).toBeLessThanOrEqual(45)
  })

  it('drops a slice that is given to another service', async () => {
    put('users-a', '10.0.0.1')
    const users = watchUsers()
    await users.nextSnapshot()
    const metadata = { name: 'users-a', labels: { 'kubernetes.io/service-name': 'mail' } }
    server.store.put(usersSlice('users-a', [], { metadata }))
    expect(hostsOf(await users.nextSnapshot())).toEqual([])
  })

  it('tells many changes as one, and the last one for sure', async () => {
    put('users-a', '10.0.0.1')
    const users = watchUsers()
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    const told: unknown[][] = []
    for (let i = 0; i < 200; i++) put('users-a', `10.0.1.${i}`)
    while (told.at(-1)?.[0] !== '10.0.1.199') told.push(hostsOf(await users.nextSnapshot()))
    expect(told.length).toBeLessThan(20)
  })

  it('tells an unchanged picture again at a bookmark, and goes on from there when the server ends the watch', async () => {
    put('users-a', '10.0.0.1')
    const users = watchUsers()
    const { revision } = await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    server.store.elsewhere()
    server.bookmark()
    expect(await users.nextSnapshot()).toMatchObject({ revision, endpoints: [{ host: '10.0.0.1' }] })
    const version = String(server.store.version)
    server.endWatches()
    await server.until(() => server.watches.length === 2)
    expect(server.watches[1]!.query.get('resourceVersion')).toBe(version)
    put('users-a', '10.0.0.2')
    await until(users, '10.0.0.2')
    expect(server.lists).toHaveLength(1)
  })

  it('goes on when the time of a watch is over', async () => {
    put('users-a', '10.0.0.1')
    const users = watchUsers({ watchMs: 1_000 })
    const { revision } = await users.nextSnapshot()
    expect((await users.nextSnapshot()).revision).toBe(revision)
    await server.until(() => server.watches.length === 2)
    expect(server.watches[0]!.query.get('timeoutSeconds')).toBe('1')
    put('users-a', '10.0.0.2')
    await until(users, '10.0.0.2')
  })

  it.each(['event', 'status'] as const)('R07 lists again after a compaction, told by %s, and misses nobody', async (goneAs) => {
    server.goneAs = goneAs
    put('users-a', '10.0.0.1')
    put('users-b', '10.0.0.2')
    const users = watchUsers()
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    put('users-b', '10.0.0.3')
    await until(users, '10.0.0.3', '10.0.0.1')
    server.endWatches()
    server.store.delete('users-a')
    put('users-c', '10.0.0.4')
    server.store.compact()
    await until(users, '10.0.0.4', '10.0.0.3')
    expect(server.lists).toHaveLength(2)
  })

  it('R08 notices within a minute that a watch has fallen silent', async () => {
    const clock = new FakeClock()
    const users = watchUsers({}, clock)
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    // One more sign of life, so that the watch is known to be read.
    server.bookmark()
    let isAlive = false
    const alive = users.nextSnapshot().then(() => (isAlive = true))
    await eventually(async () => {
      await clock.advance(100)
      expect(isAlive).toBe(true)
    })
    await alive
    server.silence()
    put('users-a', '10.0.0.1')
    const brokeOff = /^The watch of 'users' in Kubernetes broke off: .*nothing came for \d+ ms$/
    const failed = expect(users.next()).rejects.toEqual(meshError('MESH_ERR_REGISTRY', brokeOff))
    await clock.advance(60_000)
    await failed
  })

  it('reads a service of more slices than one answer holds, page by page', async () => {
    for (let i = 0; i < 501; i++) put(`users-${i}`, `10.0.${i >> 8}.${i & 255}`)
    expect((await watchUsers().nextSnapshot()).endpoints).toHaveLength(501)
    expect(server.lists.map(({ query }) => query.has('continue'))).toEqual([false, true])
  })

  it('R07 reads it in one piece when the pages were compacted in between', async () => {
    for (let i = 0; i < 501; i++) put(`users-${i}`, `10.0.${i >> 8}.${i & 255}`)
    const slices = `${server.url}/apis/discovery.k8s.io/v1/namespaces/default/endpointslices`
    const firstPage = await (await fetch(`${slices}?limit=500`)).text()
    server.store.delete('users-0')
    server.store.compact()
    server.instead('list', (response) => response.end(firstPage))
    expect((await watchUsers().nextSnapshot()).endpoints).toHaveLength(500)
    expect(server.lists.slice(1).map(({ query }) => [query.has('continue'), query.get('limit')])).toEqual([
      [false, '500'],
      [true, '500'],
      [false, null],
    ])
  })

  it('R04 tells a malformed slice as an error and serves the others', async () => {
    put('users-a', '10.0.0.1')
    server.store.put(usersSlice('users-b', [], { addressType: null }))
    const users = watchUsers()
    expect(hostsOf(await users.nextSnapshot())).toEqual(['10.0.0.1'])
    expect(await users.next()).toEqual(meshError('MESH_ERR_SNAPSHOT', /users-b: addressType/))
    await server.until(() => server.watches.length === 1)
    server.store.put(usersSlice('users-a', [], { endpoints: 'many' }))
    expect(hostsOf(await users.nextSnapshot())).toEqual(['10.0.0.1'])
    expect(await users.next()).toEqual(meshError('MESH_ERR_SNAPSHOT', /users-a: endpoints/))
    put('users-a', '10.0.0.2')
    expect(hostsOf(await users.nextSnapshot())).toEqual(['10.0.0.2'])
  })

  it('R04 fails on half JSON in a watch', async () => {
    const users = watchUsers()
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    server.inject('{"type":"MODIFIED","object":{"meta\n')
    await expect(users.next()).rejects.toEqual(meshError('MESH_ERR_SNAPSHOT', /^An event of a watch in Kubernetes is not JSON$/))
  })

  it.each([
    ['half JSON', '{"items":', 'is not JSON'],
    ['null', 'null', 'has no resourceVersion'],
    ['a list without a version', '{"items":[]}', 'has no resourceVersion'],
    ['null for items', '{"metadata":{"resourceVersion":"1"},"items":null}', 'has no items'],
    ['no items', '{"metadata":{"resourceVersion":"1"}}', 'has no items'],
  ])('R04 fails on %s for a list', async (_, body, message) => {
    server.instead('list', (response) => response.end(body))
    await expect(watchUsers().next()).rejects.toMatchObject({
      code: 'MESH_ERR_SNAPSHOT',
      message: `Kubernetes' list of the slices of 'users' ${message}`,
    })
  })

  it.each(['list', 'watch'] as const)('fails with the reason when a %s is refused', async (kind) => {
    server.instead(kind, (response) => response.writeHead(500).end('{"kind":"Status","message":"etcdserver: leader changed"}'))
    const users = watchUsers()
    if (kind === 'watch') await users.nextSnapshot()
    await expect(users.next()).rejects.toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: `Kubernetes would not ${kind} the slices of 'users': status 500: etcdserver: leader changed`,
    })
  })

  it('says what a service account lacks', async () => {
    await expect(watchUsers({ namespace: 'shop' }).next()).rejects.toThrow(
      /status 403: endpointslices\.discovery\.k8s\.io is forbidden: .*; let its role list and watch endpointslices$/,
    )
  })

  it('fails when nobody answers, and when the connection breaks', async () => {
    const users = watchUsers()
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    server.cut()
    await expect(users.next()).rejects.toThrow(/broke off/)
    await server.close()
    await expect(watchUsers().next()).rejects.toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: expect.stringMatching(/^Kubernetes does not answer at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/),
    })
  })

  it('hangs up when it is stopped', async () => {
    const users = watchUsers()
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    let hungUp!: () => void
    const gone = new Promise<void>((resolve) => (hungUp = resolve))
    server.instead('watch', (response) => response.once('close', hungUp).writeHead(200).flushHeaders())
    server.endWatches()
    const next = users.next()
    await server.until(() => server.watches.length === 2)
    await users.stop()
    await next
    await gone
  })

  it('hangs up when nobody wants the next snapshot', async () => {
    let hungUp!: () => void
    const gone = new Promise<void>((resolve) => (hungUp = resolve))
    server.instead('watch', (response) => response.once('close', hungUp).writeHead(200).flushHeaders())
    const { signal } = new AbortController()
    for await (const told of kubernetes({ url: server.url }).watch('users', { signal })) {
      expect(told).toMatchObject({ revision: 1 })
      await server.until(() => server.watches.length === 1)
      break
    }
    await gone
  })

  it('accepts an instance that registers and writes nothing: that is for the platform', async () => {
    const nowhere = { host: undefined, zone: undefined, region: undefined }
    const instance = { service: 'users', id: 'u1', port: 1, weight: 1, metadata: {}, ...nowhere }
    const registration = await kubernetes({ url: server.url }).register(instance, { signal: new AbortController().signal })
    await registration.deregister()
    expect(server.asked).toEqual([])
  })
})

describe('a pod', () => {
  const { ca, key, cert } = makeTestCa()

  async function pod(files: Readonly<Record<string, string>> = {}): Promise<string> {
    server = await begin({ tls: { key, cert }, token: 'first-token' })
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '127.0.0.1')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', String(server.port))
    vi.stubEnv('KUBERNETES_SERVICE_PORT_HTTPS', '')
    return folder({ token: 'first-token\n', 'ca.crt': ca, namespace: 'default', ...files })
  }

  const watchInPod = (serviceAccountDir: string): Following => {
    const users = follow(kubernetes({ serviceAccountDir }), 'users')
    closers.push(() => users.stop())
    return users
  }

  it('follows a service with nothing but what it finds in itself', async () => {
    const users = watchInPod(await pod())
    expect(hostsOf(await users.nextSnapshot())).toEqual([])
    put('users-a', '10.0.0.1')
    await until(users, '10.0.0.1')
    expect(server.asked.map(({ authorization }) => authorization)).toEqual(['Bearer first-token', 'Bearer first-token'])
  })

  it('reads its token again when it is refused, and nobody hears of it', async () => {
    const dir = await pod()
    const users = watchInPod(dir)
    await users.nextSnapshot()
    await server.until(() => server.watches.length === 1)
    await writeFile(join(dir, 'token'), 'second-token')
    server.token = 'second-token'
    server.endWatches()
    await server.until(() => server.watches.length === 3)
    put('users-a', '10.0.0.1')
    await until(users, '10.0.0.1')
    const used = server.watches.map(({ authorization }) => authorization)
    expect(used).toEqual(['Bearer first-token', 'Bearer first-token', 'Bearer second-token'])
  })

  it('fails when its token is refused and there is no other, and keeps it out of the error', async () => {
    const users = watchInPod(await pod({ token: 'stale-token' }))
    const error = await users.next().catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining('status 401: Unauthorized') })
    expect(server.asked).toHaveLength(1)
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('stale-token')
  })

  it('trusts nobody but the authority of its cluster', async () => {
    const users = watchInPod(await pod({ 'ca.crt': makeTestCa().ca }))
    await expect(users.next()).rejects.toEqual(meshError('MESH_ERR_REGISTRY', /does not answer.*certificate/))
    expect(server.asked).toEqual([])
  })

  it('fails without its authority or its token', async () => {
    const dir = await pod()
    for (const name of ['token', 'ca.crt']) {
      await rm(join(dir, name))
      await expect(watchInPod(dir).next()).rejects.toEqual(meshError('MESH_ERR_REGISTRY', new RegExp(join(dir, name))))
    }
  })
})

describe('a resolver on Kubernetes', () => {
  it('keeps the picture while the API server is away, and sees what has changed when it is back', async () => {
    const events = new Events()
    const errors: MeshEvents['registryError'][] = []
    events.on('registryError', (event) => errors.push(event))
    put('users-a', '10.0.0.1')
    const registry = kubernetes({ url: server.url })
    const resolver = createResolver({ registry, service: 'users', clock: systemClock, random: () => 0.1, events })
    closers.push(() => resolver.close())
    const has = (host: string): Promise<void> =>
      new Promise((resolve) => resolver.subscribe((snapshot) => hostsOf(snapshot).includes(host) && resolve()))
    await has('10.0.0.1')
    await server.until(() => server.watches.length === 1)
    server.instead('list', (response) => response.writeHead(503).end())
    server.cut()
    put('users-a', '10.0.0.2')
    await has('10.0.0.2')
    const messages = errors.map(({ error }) => error.message)
    expect(messages).toEqual([expect.stringContaining('broke off'), expect.stringContaining('status 503')])
  })
})
