import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { LeastLoadedPicker } from '../../src/balancer/least-loaded.js'
import { nodesOf, tally } from './support.js'

describe('least loaded', () => {
  it('picks a node that no other node is less loaded than, for its weight', () => {
    const load = fc.record({ weight: fc.integer({ min: 1, max: 9 }), inFlight: fc.nat(40) })
    const loads = fc.array(load, { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(loads, fc.integer(), (loads, seed) => {
        const nodes = nodesOf(...loads.map(({ weight }) => ({ weight })))
        nodes.forEach((node, i) => (node.inFlight = loads[i]!.inFlight))
        const picked = new LeastLoadedPicker(seededRandom(seed)).pick(nodes)!
        const load = (picked.inFlight + 1) / picked.weight
        for (const node of nodes) expect(load).toBeLessThanOrEqual((node.inFlight + 1) / node.weight)
      }),
    )
  })

  it('draws lots among equals, each with the same chance', () => {
    const nodes = nodesOf({}, {}, {}, {})
    nodes[0]!.inFlight = 1
    const counts = tally(new LeastLoadedPicker(seededRandom(1)), nodes, 9_000)
    expect(counts[0]).toBe(0)
    for (const count of counts.slice(1)) expect(Math.abs(count - 3_000)).toBeLessThan(270)
  })

  it('fills nodes up in proportion to their weights', () => {
    const picker = new LeastLoadedPicker(seededRandom(1))
    const nodes = nodesOf({ weight: 1 }, { weight: 2 }, { weight: 4 })
    for (let i = 0; i < 700; i++) picker.pick(nodes)!.begin()
    expect(nodes.map(({ inFlight }) => Math.round(inFlight / 100))).toEqual([1, 2, 4])
  })

  it('leaves weight 0 alone, unless there is nothing else', () => {
    const picker = new LeastLoadedPicker(seededRandom(1))
    expect(tally(picker, nodesOf({ weight: 0 }, { weight: 1 }, { weight: 0 }), 50)).toEqual([0, 50, 0])
    expect(Math.min(...tally(picker, nodesOf({ weight: 0 }, { weight: 0 }), 100))).toBeGreaterThan(20)
  })
})
