import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import type { Snapshot } from '../../src/call/snapshot.js'
import type { Registry } from '../../src/discovery/registry.js'
import { createResolver, type Resolver } from '../../src/discovery/resolver.js'
import { SnapshotCache } from '../../src/discovery/snapshot-cache.js'
import { endpointOf } from '../support/scripted.js'
import { ScriptedRegistry } from './support/scripted-registry.js'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'snapshots-'))
  path = join(directory, 'consul-users.json')
})
const open: Resolver[] = []
afterEach(async () => {
  for (const resolver of open.splice(0)) await resolver.close()
  rmSync(directory, { recursive: true })
})

const cache = (): SnapshotCache => new SnapshotCache(directory, 'consul', 'users', systemClock)
const naming = (...ids: string[]): Snapshot => ({ service: 'users', revision: 7, endpoints: ids.map((id) => endpointOf(id)), policy: { timeoutMs: 900 } })

function resolverOf(registry: Registry): { resolver: Resolver; errors: MeshEvents['registryError'][] } {
  const events = new Events()
  const errors: MeshEvents['registryError'][] = []
  events.on('registryError', (event) => errors.push(event))
  const resolver = createResolver({ registry, service: 'users', clock: systemClock, random: () => 0.5, events }, { cacheDir: directory })
  open.push(resolver)
  return { resolver, errors }
}

describe('a snapshot cache', () => {
  it('gives back what was written, and nothing before', async () => {
    expect(await cache().read()).toBeUndefined()
    await cache().write(naming('a', 'b'))
    expect(await cache().read()).toEqual(naming('a', 'b'))
  })

  it('writes the newest of many, whole, for its owner only, and leaves nothing beside it', async () => {
    const one = cache()
    await Promise.all(Array.from({ length: 20 }, (_, i) => one.write(naming(`i-${i}`))))
    expect((await cache().read())?.endpoints.map(({ id }) => id)).toEqual(['i-19'])
    expect(readdirSync(directory)).toEqual(['consul-users.json'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('does not believe a file that is broken, about another service, or a day old', async () => {
    writeFileSync(path, '{"service":"users","revision":1,"endpoints"')
    await expect(cache().read()).rejects.toThrow()
    writeFileSync(path, JSON.stringify({ ...naming('a'), service: 'orders' }))
    await expect(cache().read()).rejects.toThrow("about 'orders'")
    await cache().write(naming('a'))
    const yesterday = Date.now() / 1000 - 25 * 3600
    utimesSync(path, yesterday, yesterday)
    expect(await cache().read()).toBeUndefined()
  })
})

describe('a resolver with a cache', () => {
  const down: Registry = {
    name: 'consul',
    async *watch() {
      throw new Error('connection refused')
    },
    register: () => Promise.reject(new Error('connection refused')),
  }

  it('R02 serves from the cache while the registry is down at the start', async () => {
    await cache().write(naming('a', 'b'))
    const { resolver } = resolverOf(down)
    await expect.poll(() => resolver.current?.endpoints.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(resolver.current?.policy).toEqual({ timeoutMs: 900 })
    expect(resolver.lastProofOfLifeAt).toBeUndefined()
  })

  it('R02 has nothing to serve without a cache, and does not crash', async () => {
    const { resolver, errors } = resolverOf(down)
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    expect(resolver.current).toBeUndefined()
  })

  it('goes by the registry as soon as it has spoken, and keeps its word for the next start', async () => {
    await cache().write(naming('old'))
    const registry = new ScriptedRegistry()
    const { resolver } = resolverOf({ ...bound(registry), name: 'consul' })
    registry.tell({ revision: 1, endpoints: ['127.0.0.1:81', '127.0.0.1:82'] })
    await expect.poll(() => resolver.current?.endpoints.map(({ port }) => port)).toEqual([81, 82])
    await expect.poll(() => JSON.parse(readFileSync(path, 'utf8')).endpoints.length).toBe(2)
  })

  it('R03 doubts an empty word at the start when the cache knows better', async () => {
    await cache().write(naming('a', 'b'))
    const registry = new ScriptedRegistry()
    const { resolver } = resolverOf({ ...bound(registry), name: 'consul' })
    await expect.poll(() => resolver.current?.endpoints.length).toBe(2)
    registry.tell({ revision: 1, endpoints: [] })
    await expect.poll(() => resolver.kept).toBe(2)
    expect(resolver.current?.endpoints.length).toBe(2)
  })

  it('waits for the registry when the cache knows that there was nobody', async () => {
    await cache().write(naming())
    const { resolver, errors } = resolverOf(down)
    await expect.poll(() => errors.length).toBeGreaterThan(1)
    expect(resolver.current).toBeUndefined()
  })

  it('does not make an address young again by remembering it, and does so when the registry stands by it', async () => {
    await cache().write(naming('a'))
    const noon = Date.now() / 1000 - 12 * 3600
    utimesSync(path, noon, noon)
    const { resolver: alone } = resolverOf(down)
    await expect.poll(() => alone.current?.endpoints.length).toBe(1)
    expect(statSync(path).mtimeMs / 1000).toBeCloseTo(noon, 1)
    const registry = new ScriptedRegistry()
    const { resolver } = resolverOf({ ...bound(registry), name: 'consul' })
    await expect.poll(() => resolver.current?.endpoints.length).toBe(1)
    registry.tell(naming('a'))
    await expect.poll(() => Date.now() - statSync(path).mtimeMs).toBeLessThan(3_600_000)
  })

  it('tells that it cannot write, and goes on', async () => {
    rmSync(directory, { recursive: true })
    writeFileSync(directory, 'a file where the folder should be')
    const registry = new ScriptedRegistry()
    const { resolver, errors } = resolverOf({ ...bound(registry), name: 'consul' })
    registry.tell({ revision: 1, endpoints: ['127.0.0.1:81'] })
    await expect.poll(() => errors.length).toBeGreaterThan(0)
    await expect.poll(() => resolver.current?.endpoints.length).toBe(1)
  })
})

function bound(registry: ScriptedRegistry): Registry {
  return { name: registry.name, watch: (...args) => registry.watch(...args), register: (...args) => registry.register(...args) }
}
