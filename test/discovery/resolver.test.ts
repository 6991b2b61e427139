import { afterEach, describe, expect, it } from 'vitest'
import { Events, type MeshEvents } from '../../src/call/events.js'
import type { Snapshot } from '../../src/call/snapshot.js'
import { memory } from '../../src/discovery/memory.js'
import type { Registry } from '../../src/discovery/registry.js'
import { createResolver, type Resolver } from '../../src/discovery/resolver.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { ScriptedRegistry } from './support/scripted-registry.js'

const open: Resolver[] = []
afterEach(async () => {
  for (const resolver of open.splice(0)) await resolver.close()
})

function resolve(registry: Registry, random = () => 0.5) {
  const clock = new FakeClock()
  const events = new Events()
  const errors: MeshEvents['registryError'][] = []
  const refusals: MeshEvents['endpointsRefused'][] = []
  events.on('registryError', (event) => errors.push(event))
  events.on('endpointsRefused', (event) => refusals.push(event))
  const resolver = createResolver({ registry, service: 'users', clock, random, events })
  open.push(resolver)
  const heard: Snapshot[] = []
  resolver.subscribe((snapshot) => heard.push(snapshot))
  const ports = () => heard.map(({ endpoints }) => endpoints.map(({ port }) => port))
  return { resolver, clock, events, errors, refusals, heard, ports }
}

describe('a resolver', () => {
  it('has nothing until the registry answers, and then tells whoever subscribed, early or late', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, ports } = resolve(registry)
    await settled()
    expect(resolver.current).toBeUndefined()
    registry.tell({ revision: 1, endpoints: ['h:1'] })
    await settled()
    expect(ports()).toEqual([[1]])
    let late: Snapshot | undefined
    resolver.subscribe((snapshot) => (late = snapshot))
    expect(late).toBe(resolver.current)
  })

  it('tells nothing more to whoever has left, even in the midst of telling', async () => {
    const registry = memory({ users: ['h:1'] })
    const { resolver } = resolve(registry)
    let second = 0
    resolver.subscribe(({ endpoints }) => endpoints.length === 2 && leave())
    const leave = resolver.subscribe(() => second++)
    await settled()
    expect(second).toBe(1)
    registry.set('users', ['h:1', 'h:2'])
    await settled()
    expect(second).toBe(1)
  })

  it('goes on telling when a listener throws', async () => {
    const registry = memory({ users: ['h:1'] })
    const { resolver, events } = resolve(registry)
    const thrown: unknown[] = []
    events.on('listenerError', ({ error }) => thrown.push(error))
    resolver.subscribe(() => {
      throw new Error('listener broke')
    })
    let after = 0
    resolver.subscribe(() => after++)
    await settled()
    expect([after, thrown.length]).toEqual([1, 1])
  })

  it('keeps the last good snapshot while the registry fails, and tells of each failure', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, errors, clock, ports } = resolve(registry)
    registry.tell({ revision: 1, endpoints: ['h:1'] })
    registry.fail(new Error('registry is down'))
    await settled()
    expect(resolver.current?.endpoints).toHaveLength(1)
    expect(errors).toEqual([{ service: 'users', error: new Error('registry is down'), retryInMs: 100 }])
    expect(resolver.lastError?.message).toBe('registry is down')
    registry.tell({ revision: 1, endpoints: ['h:2'] })
    await clock.advance(100)
    expect(ports()).toEqual([[1], [2]])
    expect(resolver.lastError).toBeUndefined()
  })

  it('restarts a failed watch for ever, at growing intervals up to a ceiling, and short again after a watch that lasted', async () => {
    const registry = new ScriptedRegistry()
    const { errors, clock } = resolve(registry, () => 0.999_999)
    for (let i = 0; i < 40; i++) {
      registry.fail(new Error('down'))
      await clock.advance(15_000)
    }
    const waits = errors.map(({ retryInMs }) => Math.round(retryInMs))
    expect(waits.slice(0, 9)).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000])
    expect(waits).toHaveLength(40)
    registry.tell({ revision: 1, endpoints: [] })
    await clock.advance(30_000)
    registry.fail(new Error('down'))
    await settled()
    expect(Math.round(errors.at(-1)!.retryInMs)).toBe(200)
  })

  it('restarts a watch that ended by itself', async () => {
    const registry = new ScriptedRegistry()
    const { errors, clock } = resolve(registry)
    registry.end()
    await settled()
    expect(errors[0]?.error.message).toBe("scripted ended its watch of 'users'")
    await clock.advance(200)
    expect(registry.watches).toBe(2)
  })

  it('R09 ignores an older revision within one watch and believes it from a new one', async () => {
    const registry = new ScriptedRegistry()
    const { clock, ports } = resolve(registry)
    registry.tell({ revision: 9, endpoints: ['h:9'] }, { revision: 8, endpoints: ['h:8'] })
    await settled()
    expect(ports()).toEqual([[9]])
    registry.fail(new Error('restored from a backup'))
    registry.tell({ revision: 3, endpoints: ['h:3'] })
    await clock.advance(200)
    expect(ports()).toEqual([[9], [3]])
  })

  it('does nothing for a picture that is the same, in whatever order, but takes it for a proof of life', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, clock, heard } = resolve(registry)
    expect(resolver.lastProofOfLifeAt).toBeUndefined()
    registry.tell({ revision: 1, endpoints: ['h:1', { host: 'h', port: 2, metadata: { a: '1' } }], policy: { timeoutMs: 1 } })
    await settled()
    expect(resolver.lastProofOfLifeAt).toBe(0)
    await clock.advance(1_000)
    registry.tell({ revision: 2, endpoints: [{ host: 'h', port: 2, metadata: { a: '1' } }, 'h:1'], policy: { timeoutMs: 1 } })
    await settled()
    expect(heard).toHaveLength(1)
    expect(resolver.lastProofOfLifeAt).toBe(1_000)
  })

  it.each([
    ['an address', { host: 'g', port: 1, id: 'h:1' }],
    ['a weight', { host: 'h', port: 1, weight: 2 }],
    ['a status', { host: 'h', port: 1, status: 'draining' }],
    ['a zone', { host: 'h', port: 1, zone: 'b' }],
    ['a region', { host: 'h', port: 1, region: 'b' }],
    ['a priority', { host: 'h', port: 1, priority: 1 }],
    ['metadata', { host: 'h', port: 1, metadata: { a: '1' } }],
    ['an id', { host: 'h', port: 1, id: 'other' }],
  ])('tells when %s has changed', async (_, changed) => {
    const registry = memory({ users: ['h:1'] })
    const { heard } = resolve(registry)
    await settled()
    registry.set('users', [changed as never])
    await settled()
    expect(heard).toHaveLength(2)
  })

  it('tells when only the policy has changed', async () => {
    const registry = memory({ users: ['h:1'] })
    const { heard } = resolve(registry)
    await settled()
    registry.set('users', ['h:1'], { timeoutMs: 5 })
    await settled()
    expect(heard.map(({ policy }) => policy)).toEqual([{}, { timeoutMs: 5 }])
  })

  it.each([
    ['null', null],
    ['a missing field', { revision: 2 }],
    ['a wrong type', { revision: 2, endpoints: 'h:1' }],
    ['an error that is told', new Error('half a file')],
  ])('R04 keeps the last good snapshot and its watch for %s', async (_, nonsense) => {
    const registry = new ScriptedRegistry()
    const { errors, ports } = resolve(registry)
    registry.tell({ revision: 1, endpoints: ['h:1'] }, nonsense)
    await settled()
    expect(errors).toHaveLength(1)
    expect(errors[0]!.retryInMs).toBe(0)
    registry.tell({ revision: 3, endpoints: ['h:3'] })
    await settled()
    expect(ports()).toEqual([[1], [3]])
    expect(registry.watches).toBe(1)
  })

  it('R13 serves the good endpoints and tells once why it refused the others', async () => {
    const registry = new ScriptedRegistry()
    const { refusals, ports } = resolve(registry)
    registry.tell({ revision: 1, endpoints: ['h:1', 'h:0'] }, { revision: 2, endpoints: ['h:1', 'h:0'] })
    await settled()
    expect(ports()).toEqual([[1]])
    expect(refusals).toEqual([
      { service: 'users', revision: 1, reasons: ['endpoints[1].port: expected a whole number from 1 to 65535, got 0'] },
    ])
  })

  it('leaves neither watch nor timer behind when closed, once or twice', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, clock, heard } = resolve(registry)
    await settled()
    expect(registry.running).toBe(1)
    await Promise.all([resolver.close(), resolver.close()])
    registry.tell({ revision: 1, endpoints: ['h:1'] })
    await settled()
    expect([registry.running, clock.pending, heard.length]).toEqual([0, 0, 0])
  })

  it('stops waiting to try again when closed', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, clock } = resolve(registry)
    registry.fail(new Error('down'))
    await settled()
    expect(clock.pending).toBe(1)
    await resolver.close()
    expect(clock.pending).toBe(0)
  })

  it('R08 asks anew when a watch has been silent for too long', async () => {
    const registry = new ScriptedRegistry()
    const { clock, ports } = resolve(registry)
    registry.tell({ revision: 5, endpoints: ['h:1'] })
    await settled()
    // The watch is open and will never say anything again; what it missed is found by the next one.
    await clock.advance(44_000)
    expect(registry.watches).toBe(1)
    registry.tell({ revision: 4, endpoints: ['h:2'] })
    await settled()
    expect(ports()).toEqual([[1]])
    await clock.advance(60_000)
    expect(registry.watches).toBe(2)
    expect(registry.running).toBe(1)
    registry.tell({ revision: 4, endpoints: ['h:2'] })
    await settled()
    expect(ports()).toEqual([[1], [2]])
  })

  it('R03 serves what it knew while an empty word is not confirmed, tells of it once, and believes it in the end', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, clock, events, ports } = resolve(registry)
    const kept: MeshEvents['endpointsKept'][] = []
    events.on('endpointsKept', (event) => kept.push(event))
    registry.tell({ revision: 1, endpoints: ['h:1', 'h:2'] }, { revision: 2, endpoints: [] }, { revision: 3, endpoints: [] })
    await settled()
    expect(ports()).toEqual([[1, 2]])
    expect(kept).toEqual([{ service: 'users', revision: 2, kept: 2, named: 0 }])
    await clock.advance(29_000)
    expect(resolver.kept).toBe(2)
    await clock.advance(1_000)
    expect([resolver.kept, ports()]).toEqual([0, [[1, 2], []]])
  })

  it('R01 goes on serving what it knew when an empty word is the last before the registry fails', async () => {
    const registry = new ScriptedRegistry()
    const { resolver, clock } = resolve(registry)
    registry.tell({ revision: 1, endpoints: ['h:1', 'h:2'] }, { revision: 2, endpoints: [] })
    await settled()
    registry.fail(new Error('down'))
    await clock.advance(600_000)
    expect(resolver.current?.endpoints.length).toBe(2)
  })

  it('R05 takes what is new at once, and lets go of what vanished when that is confirmed', async () => {
    const registry = new ScriptedRegistry()
    const { clock, ports } = resolve(registry)
    registry.tell({ revision: 1, endpoints: ['h:1', 'h:2', 'h:3', 'h:4', 'h:5'] }, { revision: 2, endpoints: ['h:1', 'h:6'] })
    await clock.advance(9_999)
    expect(ports().at(-1)).toEqual([1, 6, 2, 3, 4, 5])
    await clock.advance(1)
    expect(ports().at(-1)).toEqual([1, 6])
  })

  it('leaves behind an adapter that does not end its watch', async () => {
    const stuck: Registry = { name: 'stuck', watch: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }), register: () => Promise.reject(new Error()) }
    const { resolver, clock } = resolve(stuck)
    open.pop()
    const closed = resolver.close()
    await clock.advance(500)
    await closed
    expect(clock.pending).toBe(0)
  })
})
