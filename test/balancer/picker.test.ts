import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { CALL, nodesOf, pickerOf, tally } from './support.js'

const ALGORITHMS = ['adaptive', 'random', 'round-robin', 'weighted', 'least-loaded'] as const

describe.each(ALGORITHMS)('the %s picker', (algorithm) => {
  const weight = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 10, noNaN: true }))
  const weights = fc.array(weight, { minLength: 1, maxLength: 20 })

  it('picks one of the nodes that it is given, whatever came before', () => {
    fc.assert(
      fc.property(weights, fc.integer(), fc.array(fc.nat(), { maxLength: 50 }), (weights, seed, masks) => {
        const picker = pickerOf({ algorithm }, seededRandom(seed))
        const nodes = nodesOf(...weights.map((weight) => ({ weight })))
        for (const mask of masks) {
          const some = nodes.filter((_, i) => (mask >> (i % 16)) & 1)
          const picked = picker.pick(some, CALL)
          if (some.length === 0) expect(picked).toBeUndefined()
          else expect(some).toContain(picked)
          picked?.begin()
        }
      }),
    )
  })

  it('gives equal nodes equal shares', () => {
    const nodes = nodesOf({}, {}, {}, {}, {})
    for (const count of tally(pickerOf({ algorithm }, seededRandom(1)), nodes, 5_000)) {
      expect(Math.abs(count - 1_000)).toBeLessThan(180)
    }
  })

  it('does not begin everywhere with the same node', () => {
    const nodes = nodesOf({}, {}, {}, {}, {})
    const firsts = Array.from({ length: 100 }, (_, seed) => pickerOf({ algorithm }, seededRandom(seed)).pick(nodes, CALL))
    expect(new Set(firsts).size).toBe(5)
  })
})

describe('defaults', () => {
  it('name an algorithm that there is', () => {
    expect(pickerOf({}, seededRandom(1)).pick(nodesOf({}), CALL)).toBeDefined()
  })
})
