import { afterEach, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { dns } from '../../src/discovery/dns.js'
import type { DnsOptions } from '../../src/discovery/dns-options.js'
import type { EndpointOptions } from '../../src/discovery/endpoint-reader.js'
import type { RawSnapshot } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { describeWithDnsmasq, Dnsmasq } from '../support/dnsmasq.js'
import { BrokenDns, type Breakage } from './support/broken-dns.js'
import { follow, type Following } from './support/follow.js'

const NAME = '_{service}._tcp.mesh.test'
const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function serve(...records: string[]): Promise<Dnsmasq> {
  const dnsmasq = await Dnsmasq.start(...records)
  cleanUps.push(() => dnsmasq.stop())
  return dnsmasq
}

async function breakDns(breakage: Breakage): Promise<BrokenDns> {
  const broken = await BrokenDns.start(breakage)
  cleanUps.push(() => broken.close())
  return broken
}

function watch(server: string, options: Partial<DnsOptions> = {}, clock: Clock = systemClock): Following {
  const following = follow(
    dns({ name: NAME, servers: [server], intervalMs: 20, ...options }, clock, () => 0),
    'users',
  )
  cleanUps.push(() => following.stop().catch(() => {}))
  return following
}

/** What is told first. */
async function told(server: string, options?: Partial<DnsOptions>): Promise<readonly EndpointOptions[]> {
  return endpointsOf(await watch(server, options).nextSnapshot())
}

function endpointsOf({ endpoints }: RawSnapshot): readonly EndpointOptions[] {
  return [...(endpoints as EndpointOptions[])].sort((a, b) => (a.id ?? a.host).localeCompare(b.id ?? b.host))
}

const range = (length: number): number[] => Array.from({ length }, (_, i) => i + 1)
const service = (target: string, port: number, more = ''): string => `--srv-host=_users._tcp.mesh.test,${target},${port}${more}`
const host = (name: string, ...addresses: string[]): string => `--host-record=${name},${addresses.join(',')}`

describeWithDnsmasq('DNS against dnsmasq', () => {
  it('tells targets, ports, priorities and weights of SRV records', async () => {
    const { server } = await serve(
      service('a.mesh.test', 8081, ',10,60'),
      service('b.mesh.test', 8082, ',20,5'),
      host('a.mesh.test', '127.0.0.1'),
      host('b.mesh.test', '127.0.0.2'),
    )
    expect(await told(server)).toEqual([
      { id: 'a.mesh.test:8081', host: '127.0.0.1', port: 8081, priority: 10, weight: 60 },
      { id: 'b.mesh.test:8082', host: '127.0.0.2', port: 8082, priority: 20, weight: 5 },
    ])
  })

  it('tells plain addresses of either kind, at the port that was given', async () => {
    const { server } = await serve(host('users.mesh.test', '127.0.0.1', '::1'), host('users.mesh.test', '127.0.0.2'))
    const name = '{service}.mesh.test'
    expect(await told(server, { name, type: 'A', port: 80 })).toEqual([
      { host: '127.0.0.1', port: 80 },
      { host: '127.0.0.2', port: 80 },
    ])
    expect(await told(server, { name, type: 'AAAA', port: 80 })).toEqual([{ host: '::1', port: 80 }])
  })

  it('counts a target with both kinds of address once, and knows one that has only the newer kind', async () => {
    const { server } = await serve(
      service('both.mesh.test', 1),
      service('new.mesh.test', 2),
      host('both.mesh.test', '127.0.0.1', '::1'),
      host('new.mesh.test', '::2'),
    )
    expect((await told(server)).map((endpoint) => endpoint.host)).toEqual(['127.0.0.1', '::2'])
  })

  it('follows an alias', async () => {
    const { server } = await serve('--cname=users.mesh.test,a.mesh.test', host('a.mesh.test', '127.0.0.1'))
    expect(await told(server, { name: '{service}.mesh.test', type: 'A', port: 80 })).toEqual([{ host: '127.0.0.1', port: 80 }])
  })

  it('tells all of an answer that is too long for one packet', async () => {
    const { server } = await serve(
      ...range(60).map((i) => service(`target-with-a-rather-long-name-${i}.mesh.test`, 8000 + i)),
      ...range(60).map((i) => host(`target-with-a-rather-long-name-${i}.mesh.test`, `127.0.1.${i}`)),
      ...range(60).map((i) => host('many.mesh.test', `127.0.2.${i}`)),
    )
    expect(await told(server)).toHaveLength(60)
    expect(await told(server, { name: () => 'many.mesh.test', type: 'A', port: 80 })).toHaveLength(60)
  })

  it.each([
    ['a name that does not exist', []],
    ['a name without such a record', ['--txt-record=_users._tcp.mesh.test,hello']],
    ['the root as the only target', ['--srv-host=_users._tcp.mesh.test']],
    ['targets without an address', [service('nowhere.mesh.test', 80)]],
  ])('has no endpoints for %s', async (_, records) => {
    const { server } = await serve(...records)
    expect(await told(server)).toEqual([])
  })

  it('asks for a name as it stands, whatever search domains the system has', async () => {
    const dnsmasq = await serve(host('users.mesh.test', '127.0.0.1'))
    process.env['LOCALDOMAIN'] = 'mesh.test'
    cleanUps.push(async () => delete process.env['LOCALDOMAIN'])
    await expect(told(dnsmasq.server, { name: '{service}', type: 'A', port: 80 })).rejects.toThrow('EREFUSED')
    expect(new Set(dnsmasq.asked)).toEqual(new Set(['A users']))
  })

  it('tells again after the interval, and sooner when an address may be forgotten sooner', async () => {
    const { server } = await serve(
      service('a.mesh.test', 80),
      service('b.mesh.test', 80),
      host('a.mesh.test', '127.0.0.1,7'),
      host('b.mesh.test', '127.0.0.2'),
    )
    const waits: number[] = []
    const clock: Clock = {
      ...systemClock,
      after(delayMs, task) {
        if (delayMs !== 3_000) waits.push(delayMs)
        return systemClock.after(delayMs === 3_000 ? delayMs : 1, task)
      },
    }
    for (const [intervalMs, waitMs] of [
      [60_000, 7_000],
      [5_000, 5_000],
    ]) {
      const users = watch(server, { intervalMs }, clock)
      await users.nextSnapshot()
      expect(await users.nextSnapshot()).toMatchObject({ revision: 2 })
      expect(waits.splice(0)).toEqual([waitMs])
      await users.stop()
    }
  })

  it('keeps the addresses of a target that cannot be asked for, tells why, and serves the others', async () => {
    const broken = await breakDns('SERVFAIL')
    const records = [service('a.mesh.test', 1), service('b.other.test', 2), host('a.mesh.test', '127.0.0.1')]
    const dnsmasq = await serve(...records, host('b.other.test', '127.0.0.2'))
    const users = watch(dnsmasq.server)
    const before = endpointsOf(await users.nextSnapshot())
    expect(before).toHaveLength(2)
    await dnsmasq.restart(...records, `--server=/other.test/${broken.upstream}`)
    expect(endpointsOf(await users.nextSnapshot())).toEqual(before)
    expect(await users.next()).toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: "DNS does not tell A of 'b.other.test': ESERVFAIL",
    })
  })

  it('fails when no target at all can be asked for', async () => {
    const broken = await breakDns('SERVFAIL')
    const { server } = await serve(service('a.other.test', 1), `--server=/other.test/${broken.upstream}`)
    await expect(told(server)).rejects.toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: "DNS does not tell A of 'a.other.test': ESERVFAIL",
    })
  })

  it('N22 keeps the last good picture while DNS fails, is gone or knows nothing, and takes the next one', async () => {
    const broken = await breakDns('SERVFAIL')
    const dnsmasq = await serve(service('a.mesh.test', 1), host('a.mesh.test', '127.0.0.1'))
    const events = new Events()
    const registry = dns({ name: NAME, servers: [dnsmasq.server], intervalMs: 20, timeoutMs: 500 })
    const resolver = createResolver({ registry, service: 'users', clock: systemClock, random: () => 0.01, events })
    cleanUps.push(() => resolver.close())
    const failure = (reason: RegExp): Promise<MeshEvents['registryError']> =>
      new Promise((resolve) => {
        const off = events.on('registryError', (event) => {
          if (!reason.test(event.error.message)) return
          off()
          resolve(event)
        })
      })
    const hosts = (): string[] | undefined => resolver.current?.endpoints.map((endpoint) => endpoint.host)
    await expect.poll(hosts).toEqual(['127.0.0.1'])

    const failed = failure(/SRV of '_users\._tcp\.mesh\.test': ESERVFAIL/)
    await dnsmasq.restart(`--server=/mesh.test/${broken.upstream}`)
    expect((await failed).retryInMs).toBeGreaterThan(0)
    expect(hosts()).toEqual(['127.0.0.1'])

    const gone = failure(/ECONNREFUSED/)
    await dnsmasq.stop()
    await gone
    expect(hosts()).toEqual(['127.0.0.1'])

    const kept = new Promise((resolve) => events.on('endpointsKept', resolve))
    await dnsmasq.restart()
    expect(await kept).toMatchObject({ named: 0, kept: 1 })
    expect(hosts()).toEqual(['127.0.0.1'])

    await dnsmasq.restart(service('b.mesh.test', 1), host('b.mesh.test', '127.0.0.2'))
    await expect.poll(hosts).toEqual(['127.0.0.2'])
    expect(resolver.lastError).toBeUndefined()
  })

  it('sees records that change', async () => {
    const dnsmasq = await serve(service('a.mesh.test', 1), host('a.mesh.test', '127.0.0.1'))
    const users = watch(dnsmasq.server)
    const first = await users.nextSnapshot()
    await dnsmasq.restart(service('a.mesh.test', 1), host('a.mesh.test', '127.0.0.9'))
    const second = await users.nextSnapshot()
    expect(second.revision).toBeGreaterThan(first.revision)
    expect(endpointsOf(second)).toMatchObject([{ id: 'a.mesh.test:1', host: '127.0.0.9' }])
  })
})
