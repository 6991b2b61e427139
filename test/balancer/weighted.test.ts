import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { WeightedPicker } from '../../src/balancer/weighted.js'
import { nodesOf, tally } from './support.js'

const evenly = (): number => 0

describe('weighted', () => {
  it('spreads 5, 1, 1 as smoothly as nginx does', () => {
    const picker = new WeightedPicker(evenly)
    const nodes = nodesOf({ weight: 5 }, { weight: 1 }, { weight: 1 })
    const names = Array.from({ length: 14 }, () => 'abc'[nodes.indexOf(picker.pick(nodes)!)])
    expect(names.join('')).toBe('aabacaaaabacaa')
  })

  it('never strays from the shares by more than two picks', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 300 }), fc.integer(), (weights, picks, seed) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        fc.pre(total > 0)
        const nodes = nodesOf(...weights.map((weight) => ({ weight })))
        const counts = tally(new WeightedPicker(seededRandom(seed)), nodes, picks)
        counts.forEach((count, i) => expect(Math.abs(count - (picks * weights[i]!) / total)).toBeLessThanOrEqual(2))
      }),
    )
  })

  it('gives weight 0 nothing', () => {
    const nodes = nodesOf({ weight: 0 }, { weight: 3 }, { weight: 1 })
    expect(tally(new WeightedPicker(seededRandom(1)), nodes, 400)).toEqual([0, 300, 100])
  })

  it('gives all the same when all weigh 0', () => {
    expect(tally(new WeightedPicker(evenly), nodesOf({ weight: 0 }, { weight: 0 }), 100)).toEqual([50, 50])
  })

  it('follows a weight that changes', () => {
    const picker = new WeightedPicker(seededRandom(1))
    const nodes = nodesOf({ weight: 1 }, { weight: 1 })
    tally(picker, nodes, 101)
    nodes[0]!.update({ ...nodes[0]!.endpoint, weight: 9 })
    const [heavy] = tally(picker, nodes, 1_000)
    expect(Math.abs(heavy! - 900)).toBeLessThanOrEqual(2)
  })

  it('goes on picking when weights are too large to be added', () => {
    const picker = new WeightedPicker(evenly)
    const nodes = nodesOf({ weight: 1e308 }, { weight: 1e308 }, { weight: 1 })
    for (let i = 0; i < 100; i++) expect(nodes).toContain(picker.pick(nodes))
  })
})
