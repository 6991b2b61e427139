import { describe, expect, it } from 'vitest'
import { createEndpointSet, type EndpointSet } from '../../src/balancer/endpoint-set.js'
import { goodbye } from '../../src/balancer/goodbye.js'
import type { Node } from '../../src/balancer/node.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { FakeClock } from '../support/fake-clock.js'
import { attemptOf, endpointOf, replyOf, scripted } from '../support/scripted.js'
import { drawAnywhere } from './support.js'

const FAREWELL = { headers: { 'mesh-draining': '1' } }
const a = endpointOf('a', { host: '10.0.0.1' })
const b = endpointOf('b', { host: '10.0.0.2' })

interface Scene {
  readonly clock: FakeClock
  readonly set: EndpointSet
  readonly told: MeshEvents['endpoints'][]
  /** Ids of what may be picked. */
  readonly pickable: readonly string[]
  node(id: string): Node
  /** An answer of this node, with or without a goodbye. */
  answers(id: string, fields?: { readonly status?: number; readonly headers?: Record<string, string> }): Promise<unknown>
}

function sceneOf(...endpoints: readonly (typeof a)[]): Scene {
  const clock = new FakeClock()
  const events = new Events()
  const told: MeshEvents['endpoints'][] = []
  const connect = () => ({ handle: scripted().handle, close: async () => {} })
  const set = createEndpointSet({ service: 'users', registry: 'consul', connect, draw: drawAnywhere, events })
  set.apply({ service: 'users', revision: 1, endpoints, policy: {} })
  events.on('endpoints', (event) => told.push(event))
  const node = (id: string): Node => set.all.find((node) => node.id === id)!
  return {
    clock,
    set,
    told,
    get pickable() {
      return set.levels.flatMap(({ nodes }) => nodes.map(({ id }) => id))
    },
    node,
    answers: (id, fields = {}) => goodbye(node(id), { clock })(scripted(replyOf(fields)).handle)(attemptOf()),
  }
}

describe('goodbye', () => {
  it('an endpoint that says it is about to go is given nothing new, before the registry says so', async () => {
    const scene = sceneOf(a, b)
    await scene.answers('a')
    expect(scene.pickable).toEqual(['a', 'b'])
    await scene.answers('a', FAREWELL)
    expect(scene.pickable).toEqual(['b'])
    expect(scene.node('a').state).toBe('draining')
    expect(scene.told).toEqual([{ service: 'users', revision: 1, ready: 1, draining: 1 }])
  })

  it('a refusal says it as well as an answer does, and saying it twice is saying it once', async () => {
    const scene = sceneOf(a, b)
    await scene.answers('a', { ...FAREWELL, status: 503 })
    await scene.answers('a', FAREWELL)
    expect([scene.pickable, scene.told.length, scene.clock.pending]).toEqual([['b'], 1, 1])
  })

  it('stays aside while the registry has not heard of it, and is taken back if it never does', async () => {
    const scene = sceneOf(a, b)
    await scene.answers('a', FAREWELL)
    scene.set.apply({ service: 'users', revision: 2, endpoints: [a, { ...b, weight: 3 }], policy: {} })
    expect(scene.pickable).toEqual(['b'])
    await scene.clock.advance(60_000)
    expect(scene.pickable).toEqual(['a', 'b'])
    expect(scene.clock.pending).toBe(0)
  })

  it('one that comes back at another address is another one', async () => {
    const scene = sceneOf(a, b)
    await scene.answers('a', FAREWELL)
    scene.set.apply({ service: 'users', revision: 2, endpoints: [{ ...a, port: 9999 }, b], policy: {} })
    expect(scene.pickable).toEqual(['a', 'b'])
    expect(scene.clock.pending).toBe(0)
  })

  it('when all have said goodbye, those that still stand are better than none', async () => {
    const scene = sceneOf(a, b)
    await scene.answers('a', FAREWELL)
    await scene.answers('b', FAREWELL)
    expect(scene.pickable).toEqual(['a', 'b'])
    await scene.answers('a', FAREWELL)
    scene.set.apply({ service: 'users', revision: 2, endpoints: [a], policy: {} })
    expect(scene.pickable).toEqual(['a'])
  })

  it('what was said after the set has closed, or by one that has left, changes nothing', async () => {
    const scene = sceneOf(a, b)
    const left = scene.node('a')
    left.begin()
    scene.set.apply({ service: 'users', revision: 2, endpoints: [b], policy: {} })
    await scene.answers('a', FAREWELL)
    expect(scene.clock.pending).toBe(0)
    left.end()
    await scene.set.close()
    await goodbye(scene.node('b'), scene)(scripted(replyOf(FAREWELL)).handle)(attemptOf())
    expect([scene.pickable, scene.clock.pending]).toEqual([[], 0])
  })
})
