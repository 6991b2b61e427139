import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import type { Fleet } from '../../src/balancer/fleet.js'
import type { Node } from '../../src/balancer/node.js'
import type { Picker } from '../../src/balancer/picker.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { CALL, fleetOn, nodesOf, pickerOf } from './support.js'

interface Bench {
  readonly clock: VirtualClock
  readonly fleet: Fleet
  readonly nodes: Node[]
  readonly picker: Picker
  /** An answer of this node, after so long. */
  answer(node: Node, latencyMs: number, status?: number): void
  pick(): Node | undefined
}

function bench(count: number): Bench {
  const clock = new VirtualClock()
  const fleet = fleetOn(clock)
  const nodes = nodesOf(...Array.from({ length: count }, () => ({})))
  fleet.adopt(nodes)
  const picker = pickerOf({ algorithm: 'adaptive' }, seededRandom(1), clock, fleet)
  return {
    clock, fleet, nodes, picker,
    answer(node, latencyMs, status = 200) {
      const flight = fleet.begin(node)
      clock.runUntil(clock.now() + latencyMs)
      fleet.ended(flight, fleet.answered(flight, { status, headers: {} }), undefined)
    },
    pick: () => picker.pick(nodes, CALL),
  }
}

describe('the adaptive picker', () => {
  it('goes where an answer is likely to come soonest: latency times what is in flight', () => {
    const { nodes, fleet, answer, pick } = bench(2)
    const [fast, slow] = nodes as [Node, Node]
    for (let i = 0; i < 60; i++) {
      answer(fast, 10)
      answer(slow, 25)
    }
    expect(pick()).toBe(fast)
    fleet.begin(fast)
    expect(pick()).toBe(fast)
    fleet.begin(fast)
    expect(pick()).toBe(slow)
  })

  it('gives one that never answered a single request, unless all others are a thousand times dearer', () => {
    const { nodes, fleet, answer, pick } = bench(2)
    const [known, unknown] = nodes as [Node, Node]
    answer(known, 10)
    fleet.begin(known)
    expect(pick()).toBe(unknown)
    fleet.begin(unknown)
    for (let i = 0; i < 50; i++) {
      expect(pick()).toBe(known)
      fleet.begin(known)
    }
  })

  it('spreads over all when none has ever answered', () => {
    const { nodes, fleet, pick } = bench(4)
    for (let i = 0; i < 40; i++) fleet.begin(pick()!)
    expect(nodes.map(({ inFlight }) => inFlight)).toEqual([10, 10, 10, 10])
  })

  it('avoids one whose oldest request has been waiting far longer than usual', () => {
    const { nodes, fleet, clock, answer, pick } = bench(2)
    const [stuck, other] = nodes as [Node, Node]
    for (let i = 0; i < 60; i++) {
      answer(stuck, 10)
      answer(other, 30)
    }
    fleet.begin(stuck)
    expect(pick()).toBe(stuck)
    clock.runUntil(clock.now() + 100)
    expect(pick()).toBe(other)
  })

  it('does not take a body that is long in coming for a stall', () => {
    const { nodes, fleet, clock, answer, pick } = bench(2)
    const [streaming, other] = nodes as [Node, Node]
    answer(streaming, 10)
    answer(other, 30)
    fleet.answered(fleet.begin(streaming), { status: 200, headers: {} })
    clock.runUntil(clock.now() + 1_000)
    expect(pick()).toBe(streaming)
  })

  it.each([429, 500, 503])('N06 is not drawn by answers of %i, however fast they come', (status) => {
    const { nodes, answer, pick } = bench(2)
    const [failing, other] = nodes as [Node, Node]
    for (let i = 0; i < 10; i++) {
      answer(other, 20)
      answer(failing, 1, status)
    }
    for (let i = 0; i < 50; i++) expect(pick()).toBe(other)
  })

  it('comes back to one that failed, when it has been left alone for a while', () => {
    const { nodes, fleet, clock, answer, pick } = bench(2)
    const [failing, other] = nodes as [Node, Node]
    for (let i = 0; i < 10; i++) {
      answer(other, 20)
      answer(failing, 20, 503)
    }
    clock.runUntil(clock.now() + 120_000)
    for (let i = 0; i < 10; i++) fleet.begin(pick()!)
    expect(nodes.map(({ inFlight }) => inFlight)).toEqual([5, 5])
  })

  it('looks at a sample of a very large set, and still finds a good one', () => {
    const { nodes, answer, pick } = bench(2_000)
    nodes.forEach((node, i) => answer(node, i % 10 === 0 ? 5 : 50))
    const picked = Array.from({ length: 300 }, pick) as Node[]
    const good = picked.filter((node) => node.latency.meanMs < 40)
    expect(good.length).toBeGreaterThan(280)
    expect(new Set(picked).size).toBeGreaterThan(100)
  })

  it('makes no garbage', () => {
    const { nodes, answer, pick } = bench(20)
    nodes.forEach((node, i) => answer(node, 5 + i))
    const bytesPerPick = (): number => {
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < 20_000; i++) pick()
      return (process.memoryUsage().heapUsed - before) / 20_000
    }
    // A collection now and then hides what was left, and the compiler leaves something at first: the middle of many tells.
    const rounds = Array.from({ length: 31 }, bytesPerPick).slice(10)
    expect(rounds.sort((a, b) => a - b)[10]).toBeLessThan(8)
  })
})
