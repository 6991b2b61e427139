import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { CALL, fleetOn, nodesOf, pickerOf } from './support.js'

const PICKS = 4_000

describe('a pick', () => {
  it.each(['adaptive', 'least-loaded', 'round-robin', 'random'] as const)('of %s leaves nothing for the collector', (algorithm) => {
    const clock = new VirtualClock()
    const fleet = fleetOn(clock)
    const nodes = nodesOf(...Array.from({ length: 600 }, () => ({})))
    fleet.adopt(nodes)
    const picker = pickerOf({ algorithm }, seededRandom(1), clock, fleet)
    const bytes: number[] = []
    // The first rounds are for the compiler; a collection within a round hides what was left.
    for (let round = 0; round < 20; round++) {
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < PICKS; i++) picker.pick(nodes, CALL)
      const grown = process.memoryUsage().heapUsed - before
      if (round >= 5 && grown >= 0) bytes.push(grown / PICKS)
    }
    // One number on the heap has 16.
    expect(Math.min(...bytes)).toBeLessThan(8)
  })
})
