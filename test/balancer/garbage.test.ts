import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { CALL, fleetOn, nodesOf, pickerOf } from './support.js'

const PICKS = 4_000
/** One number on the heap has 16 bytes. */
const MOST_BYTES = 8

describe('a pick', () => {
  // Above five hundred, `adaptive` looks at a sample.
  const cases = (['adaptive', 'least-loaded', 'round-robin', 'random'] as const).flatMap((algorithm) => [100, 600].map((count) => [algorithm, count] as const))
  it.each(cases)('of %s among %i leaves nothing for the collector', async (algorithm, count) => {
    const clock = new VirtualClock()
    const fleet = fleetOn(clock)
    const nodes = nodesOf(...Array.from({ length: count }, () => ({})))
    fleet.adopt(nodes)
    const picker = pickerOf({ algorithm }, seededRandom(1), clock, fleet)
    let leastBytes = Infinity
    // The compiler works beside, and takes the rounds that it takes.
    for (let round = 0; round < 200 && leastBytes >= MOST_BYTES; round++) {
      await nextTurn()
      const before = process.memoryUsage().heapUsed
      for (let i = 0; i < PICKS; i++) picker.pick(nodes, CALL)
      const grown = process.memoryUsage().heapUsed - before
      // A collection within a round hides what was left.
      if (grown >= 0) leastBytes = Math.min(leastBytes, grown / PICKS)
    }
    expect(leastBytes).toBeLessThan(MOST_BYTES)
  })
})
