import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { createEndpointSet, type EndpointSet } from '../../src/balancer/endpoint-set.js'
import type { Node } from '../../src/balancer/node.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { settled } from '../support/fake-clock.js'
import { endpointOf, scripted } from '../support/scripted.js'
import { drawAnywhere } from './support.js'

interface Bench {
  readonly set: EndpointSet
  readonly told: MeshEvents['endpoints'][]
  readonly closed: string[]
  /** Applies a snapshot of these endpoints. */
  tell(...endpoints: Endpoint[]): void
  /** The node that may be picked under this id; it is connected. */
  node(id: string): Node
}

function bench(close: () => Promise<void> = async () => {}): Bench {
  const events = new Events()
  const told: MeshEvents['endpoints'][] = []
  const closed: string[] = []
  events.on('endpoints', (event) => told.push(event))
  const set = createEndpointSet({
    service: 'users',
    registry: 'consul',
    draw: drawAnywhere,
    events,
    connect: (node) => ({ handle: scripted().handle, close: () => (closed.push(node.id), close()) }),
  })
  let revision = 0
  return {
    set,
    told,
    closed,
    tell: (...endpoints) => set.apply({ service: 'users', revision: ++revision, endpoints, policy: {} }),
    node(id) {
      const node = pickable(set).find((node) => node.id === id)!
      void node.handle
      return node
    },
  }
}

const a = endpointOf('a', { host: '10.0.0.1' })
const b = endpointOf('b', { host: '10.0.0.2' })
const c = endpointOf('c', { host: '10.0.0.3' })
const ids = (nodes: readonly Node[]): string[] => nodes.map(({ id }) => id)
const pickable = ({ levels }: EndpointSet): readonly Node[] => levels.flatMap(({ nodes }) => nodes)

describe('endpoint set', () => {
  it('keeps a node whose id and address stay, with its live state, and takes over the rest', () => {
    const { set, tell, node } = bench()
    tell(a, b)
    const before = node('a')
    before.latency.observe(25, 0, 0)
    tell({ ...a, weight: 7, zone: 'north' }, c)
    expect(ids(pickable(set))).toEqual(['a', 'c'])
    expect(node('a')).toBe(before)
    expect(before.endpoint).toMatchObject({ weight: 7, zone: 'north' })
    expect(before.latency.meanMs).toBe(25)
  })

  it('replaces the picture and never changes it', () => {
    const { set, tell } = bench()
    tell(a)
    const before = set.levels
    tell(a, b)
    expect(before).toMatchObject([{ nodes: [{ id: 'a' }] }])
    expect(ids(pickable(set))).toEqual(['a', 'b'])
  })

  it('opens another node when an id moves to another address, and drains the old one', async () => {
    const { set, tell, node, closed } = bench()
    tell(a)
    const before = node('a')
    before.begin()
    tell({ ...a, port: 9_999 })
    expect(node('a')).not.toBe(before)
    expect(before.state).toBe('draining')
    expect(set.all).toHaveLength(2)
    before.end()
    await settled()
    expect(closed).toEqual(['a'])
    expect(set.all).toHaveLength(1)
  })

  it('closes a removed node when its work has ended, and forgets it then', async () => {
    const { set, tell, node, closed, told } = bench()
    tell(a, b)
    const leaving = node('a')
    leaving.begin()
    tell(b)
    await settled()
    expect(ids(pickable(set))).toEqual(['b'])
    expect(ids(set.all)).toEqual(['b', 'a'])
    expect(closed).toEqual([])
    expect(told.at(-1)).toEqual({ service: 'users', revision: 2, ready: 1, draining: 1 })
    leaving.end()
    await settled()
    expect(closed).toEqual(['a'])
    expect(ids(set.all)).toEqual(['b'])
  })

  it('gives a draining endpoint nothing new, and takes it back with its live state', () => {
    const { set, tell, node, closed } = bench()
    tell(a, b)
    const before = node('a')
    tell({ ...a, status: 'draining' }, b)
    expect(ids(pickable(set))).toEqual(['b'])
    tell(a, b)
    expect(node('a')).toBe(before)
    expect(closed).toEqual([])
  })

  it('serves the first of two instances under one id', () => {
    const { set, tell } = bench()
    tell(a, { ...b, id: 'a' })
    expect(pickable(set).map(({ endpoint }) => endpoint.host)).toEqual(['10.0.0.1'])
  })

  it('is ready with the first snapshot, be it empty', async () => {
    const { set, tell } = bench()
    const waiting = set.whenReady(new Cancellation())
    expect(set.isReady).toBe(false)
    tell()
    await waiting
    expect(set.isReady).toBe(true)
    expect(set.levels).toEqual([])
    await set.whenReady()
  })

  it('lets go of one who waits when the wait is cancelled', async () => {
    const { set } = bench()
    const cancellation = new Cancellation()
    const reason = new MeshError('MESH_ERR_DEADLINE', 'late')
    const waiting = set.whenReady(cancellation)
    cancellation.cancel(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(set.whenReady(cancellation)).rejects.toBe(reason)
  })

  it('when closed refuses whoever waits, finishes what is under way, and takes no more news', async () => {
    const waiting = bench()
    const refused = waiting.set.whenReady()
    await waiting.set.close()
    await expect(refused).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })

    const { set, tell, node, closed } = bench()
    tell(a)
    const busy = node('a')
    busy.begin()
    const closing = Promise.all([set.close(), set.close()])
    expect(set.levels).toEqual([])
    tell(a, b)
    expect(set.levels).toEqual([])
    expect(closed).toEqual([])
    busy.end()
    await closing
    expect(closed).toEqual(['a'])
    await expect(set.whenReady()).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
  })

  it('forgets a removed node whose connection fails to close', async () => {
    const { set, tell, node } = bench(() => Promise.reject(new Error('stuck')))
    tell(a)
    void node('a').handle
    tell(b)
    await settled()
    expect(ids(set.all)).toEqual(['b'])
  })
})
