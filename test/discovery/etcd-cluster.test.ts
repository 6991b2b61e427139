import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { Events } from '../../src/call/events.js'
import { etcd } from '../../src/discovery/etcd.js'
import type { Instance } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { describeWithEtcd, Etcd } from '../support/etcd.js'
import { follow } from './support/follow.js'

const nowhere = { zone: undefined, region: undefined }
const instance: Instance = { service: 'users', id: 'u1', host: 'h', port: 1, weight: 1, ...nowhere, metadata: {} }
const { signal } = new AbortController()
const first = (): number => 0

describeWithEtcd('an etcd of three members', () => {
  let server: Etcd
  beforeAll(async () => {
    server = await Etcd.start({ members: 3 })
  })
  afterAll(() => server.close())

  it('is asked at the next one when a member is not there', async () => {
    const endpoints = ['http://127.0.0.1:1', 'http://127.0.0.1:2', ...server.endpoints]
    const registry = etcd({ endpoints }, systemClock, first)
    const registration = await registry.register(instance, { signal })
    const users = follow(registry, 'users')
    expect((await users.nextSnapshot()).endpoints).toMatchObject([{ id: 'u1' }])
    await users.stop()
    await registration.deregister()
  })

  it('is asked at the next one when something else answers there, or nothing does', async () => {
    const mute = createServer((socket) => socket.on('error', () => {}).on('data', () => {}))
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const endpoints = [`http://127.0.0.1:${(mute.address() as AddressInfo).port}`, ...server.endpoints]
    const registry = etcd({ endpoints }, systemClock, first)
    const registration = await registry.register(instance, { signal })
    await registration.deregister()
    mute.close()
  })

  it('names the last one that was asked when nobody answers', async () => {
    const registry = etcd({ endpoints: ['http://127.0.0.1:1', 'http://127.0.0.1:2'] }, systemClock, first)
    await expect(registry.register(instance, { signal })).rejects.toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: expect.stringMatching(/^etcd does not answer at http:\/\/127\.0\.0\.1:2: .*ECONNREFUSED/),
    })
  })

  it('R14 goes on at another member when the one that is watched, or leads, is killed', async () => {
    const leader = await server.leader()
    const endpoints = [server.endpoints[leader]!, ...server.endpoints.filter((_, i) => i !== leader)]
    const resolver = createResolver({
      registry: etcd({ endpoints }, systemClock, first),
      service: 'users',
      clock: systemClock,
      random: () => 0.5,
      events: new Events(),
    })
    const registration = await etcd({ endpoints, ttlMs: 5_000 }, systemClock, first).register(instance, { signal })
    let lost: Error | undefined
    void registration.lost.then((error) => (lost = error))
    const seen: number[] = []
    resolver.subscribe(({ endpoints }) => seen.push(endpoints.length))
    await vi.waitFor(() => expect(resolver.current?.endpoints).toHaveLength(1), 5_000)
    // The first word may have been from before the registration.
    seen.splice(0)
    await server.stopMember(leader)
    const other = (leader + 1) % 3
    await vi.waitFor(() => server.put('/sidecarless/services/users/u2', { host: 'h', port: 2 }, other), 15_000)
    await vi.waitFor(() => expect(resolver.current?.endpoints).toHaveLength(2), 10_000)
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(1)
    expect(lost).toBeUndefined()
    await registration.deregister()
    await vi.waitFor(() => expect(resolver.current?.endpoints).toMatchObject([{ id: 'u2' }]), 5_000)
    await resolver.close()
    server.startMember(leader)
  })
})

const withOpenssl = describe.skipIf(!hasOpenssl() && process.env['CI'] === undefined)

withOpenssl('an etcd over TLS', () => {
  describeWithEtcd('that knows its clients by their certificates', () => {
    let folder = ''
    const at = (name: string): string => join(folder, name)
    let server: Etcd
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'etcd-tls-'))
      const openssl = (...args: string[]): unknown => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
      const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
      openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority')
      for (const name of ['server', 'client']) {
        const own = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${name}.key`, '-out', `${name}.pem`]
        openssl('req', '-x509', '-CA', 'ca.pem', '-CAkey', 'ca.key', ...newKey, '-addext', 'basicConstraints=CA:FALSE', ...own)
      }
      server = await Etcd.start({
        tls: ['--cert-file', at('server.pem'), '--key-file', at('server.key'), '--trusted-ca-file', at('ca.pem'), '--client-cert-auth'],
      })
    })
    afterAll(async () => {
      await server.close()
      rmSync(folder, { recursive: true })
    })

    it('serves whom it knows, refuses others, and is refused by who does not know it', async () => {
      const pem = (name: string): string => readFileSync(at(name), 'utf8')
      const [ca, cert, key] = [pem('ca.pem'), pem('client.pem'), pem('client.key')]
      const registry = etcd({ endpoints: server.endpoints, tls: { ca, cert, key } })
      const registration = await vi.waitFor(() => registry.register(instance, { signal }), { timeout: 10_000, interval: 100 })
      const users = follow(registry, 'users')
      expect((await users.nextSnapshot()).endpoints).toMatchObject([{ id: 'u1' }])
      await users.nextSnapshot()
      await users.stop()
      await registration.deregister()
      const nameless = etcd({ endpoints: server.endpoints, tls: { ca } }).register(instance, { signal })
      await expect(nameless).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY' })
      const distrusting = etcd({ endpoints: server.endpoints }).register(instance, { signal })
      await expect(distrusting).rejects.toThrow(/certificate/)
    })
  })
})

function hasOpenssl(): boolean {
  try {
    return execFileSync('openssl', ['version'], { stdio: 'pipe' }).length > 0
  } catch {
    return false
  }
}
