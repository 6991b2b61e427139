import { describe, expect, it } from 'vitest'
import { seededRandom, type Random } from '../../src/base/random.js'
import { LeastLoadedPicker } from '../../src/balancer/least-loaded.js'
import { RandomPicker } from '../../src/balancer/random.js'
import { subsetLevels } from '../../src/balancer/subset.js'
import { nodesOf } from '../balancer/support.js'
import { EventHeap } from './event-heap.js'
import { SUBSET_RULES, type SubsetRule } from './subset-rules.js'

const names = (what: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${what}-${i}`)
const clientsOf = (count: number) => names('orders', count).map((id, index) => ({ id, index }))
const rounded = (value: number): number => Math.round(value * 100) / 100

/** Clients that each spread one unit of load evenly over their subset: load of an endpoint over the mean. */
function spread(rule: SubsetRule, clients: number, endpoints: number, size: number): { max: number; min: number } {
  const load = new Map(names('users', endpoints).map((id) => [id, 0]))
  for (const client of clientsOf(clients)) {
    for (const id of rule([...load.keys()], size, client)) load.set(id, load.get(id)! + endpoints / clients / size)
  }
  return { max: rounded(Math.max(...load.values())), min: rounded(Math.min(...load.values())) }
}

describe('subsets of many clients', () => {
  it.each([
    { clients: 100, endpoints: 100, size: 20, max: 1.55, min: 0.5 },
    { clients: 100, endpoints: 1_000, size: 50, max: 2.4, min: 0 },
    { clients: 1_000, endpoints: 100, size: 20, max: 1.14, min: 0.87 },
    { clients: 1_000, endpoints: 1_000, size: 20, max: 1.8, min: 0.35 },
    { clients: 1_000, endpoints: 1_000, size: 50, max: 1.44, min: 0.56 },
  ])('$clients × $endpoints at $size spread load from $min to $max of the mean', ({ clients, endpoints, size, ...expected }) => {
    expect(spread(SUBSET_RULES.rendezvous, clients, endpoints, size)).toEqual(expected)
  })

  it('are as even as clients can make them that do not know of each other, and more so than on a ring', () => {
    const [clients, endpoints, size] = [1_000, 100, 20]
    const { max, min } = spread(SUBSET_RULES.rendezvous, clients, endpoints, size)
    // Each endpoint has a binomial number of clients: three standard deviations hold all but a few of a hundred.
    const deviation = Math.sqrt((1 - size / endpoints) / ((clients * size) / endpoints))
    expect(max).toBeLessThan(1 + 3.5 * deviation)
    expect(min).toBeGreaterThan(1 - 3.5 * deviation)
    const onRing = spread(SUBSET_RULES.ring, clients, endpoints, size)
    expect(onRing.max - onRing.min).toBeGreaterThan(2 * (max - min))
    const hashed = spread(SUBSET_RULES.hashedLots, clients, endpoints, size)
    expect(hashed.max).toBeGreaterThan(1.1)
    expect(spread(SUBSET_RULES.numberedLots, clients, endpoints, size)).toEqual({ max: 1, min: 1 })
  })

  it('change by no more than the share of the endpoint that goes, where lots are shuffled anew', () => {
    const [endpoints, size] = [1_000, 50]
    const before = names('users', endpoints)
    const after = before.filter((_, i) => i !== 17)
    const opened = (rule: SubsetRule): number => {
      const clients = clientsOf(200)
      const changes = clients.map((client) => {
        const had = new Set(rule(before, size, client))
        return rule(after, size, client).filter((id) => !had.has(id)).length
      })
      return changes.reduce((sum, count) => sum + count, 0) / clients.length
    }
    expect(opened(SUBSET_RULES.rendezvous)).toBeCloseTo(size / endpoints, 1)
    expect(opened(SUBSET_RULES.numberedLots)).toBeGreaterThan(size / 2)
  })
})

interface Traffic {
  readonly clients: number
  readonly endpoints: number
  readonly size: number
  readonly utilization: number
  readonly calls: number
}

/**
 * Clients that call endpoints of four slots each, with exponential service of mean 1; `utilization` of all slots is
 * busy. The busiest and the idlest endpoint by calls served, over the mean, and the 99th percentile of latency.
 */
function serve(Picker: new (random: Random) => LeastLoadedPicker | RandomPicker, { clients, endpoints, size, utilization, calls }: Traffic) {
  const SLOTS = 4
  const random = seededRandom(5)
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean
  const callers = clientsOf(clients).map(({ id }) => {
    const nodes = nodesOf(...names('users', endpoints).map((id) => ({ id })))
    const [level] = subsetLevels([{ priority: 0, proximity: 'elsewhere', share: 1, nodes }], { size }, id)
    return { nodes: level!.nodes, picker: new Picker(random) }
  })
  const servers = new Map(names('users', endpoints).map((id) => [id, { freeAt: new Array<number>(SLOTS).fill(0), served: 0 }]))
  const ends = new EventHeap<{ end(): void }>()
  const latencies: number[] = []
  for (let call = 0, now = 0; call < calls; call++) {
    now += exponential(1 / (utilization * endpoints * SLOTS))
    while (ends.nextAt <= now) ends.pop()!.end()
    const { nodes, picker } = callers[Math.floor(random() * clients)]!
    const node = picker.pick(nodes)!
    node.begin()
    const server = servers.get(node.id)!
    const slot = server.freeAt.indexOf(Math.min(...server.freeAt))
    const endsAt = Math.max(now, server.freeAt[slot]!) + exponential(1)
    server.freeAt[slot] = endsAt
    ends.push(endsAt, node)
    // The first quarter fills the queues.
    if (call < calls / 4) continue
    server.served++
    latencies.push(endsAt - now)
  }
  const served = [...servers.values()].map(({ served }) => (served * endpoints) / latencies.length)
  return { max: Math.max(...served), min: Math.min(...served), p99: latencies.sort((a, b) => a - b)[Math.floor(latencies.length * 0.99)]! }
}

describe('what a picker makes of uneven subsets', () => {
  const fleet = { clients: 100, endpoints: 100, utilization: 0.8, calls: 100_000 }

  it('is a tail as short as without subsets, when it feels load: busy endpoints are left to those who have no other', () => {
    const whole = serve(LeastLoadedPicker, { ...fleet, size: 100 })
    const part = serve(LeastLoadedPicker, { ...fleet, size: 20 })
    expect(part.p99 / whole.p99).toBeLessThan(1.1)
    expect(part.max).toBeLessThan(1.3)
  })

  it('is a long queue when it does not', () => {
    const felt = serve(LeastLoadedPicker, { ...fleet, size: 20 })
    const blind = serve(RandomPicker, { ...fleet, size: 20 })
    expect(blind.p99 / felt.p99).toBeGreaterThan(5)
  })
})
