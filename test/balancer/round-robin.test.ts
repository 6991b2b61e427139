import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { RoundRobinPicker } from '../../src/balancer/round-robin.js'
import { nodesOf, tally } from './support.js'

describe('round robin', () => {
  it('goes once around before it comes back', () => {
    const picker = new RoundRobinPicker(seededRandom(1))
    const nodes = nodesOf({}, {}, {})
    for (let round = 0; round < 10; round++) expect(tally(picker, nodes, 3)).toEqual([1, 1, 1])
  })

  it('goes on when nodes come and go', () => {
    const picker = new RoundRobinPicker(seededRandom(1))
    const nodes = nodesOf({}, {}, {}, {}, {})
    tally(picker, nodes, 17)
    expect(tally(picker, nodes.slice(0, 2), 4)).toEqual([2, 2])
    expect(tally(picker, nodes, 5)).toEqual([1, 1, 1, 1, 1])
  })
})
