import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { RandomPicker } from '../../src/balancer/random.js'
import { nodesOf, tally } from './support.js'

describe('random', () => {
  it('gives each node the same chance', () => {
    const counts = tally(new RandomPicker(seededRandom(1)), nodesOf({}, {}, {}, {}), 40_000)
    // Six standard deviations of 87.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(520)
  })

  it('has nothing to pick when there is nothing', () => {
    expect(new RandomPicker(seededRandom(1)).pick([])).toBeUndefined()
  })
})
