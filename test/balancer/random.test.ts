import { describe, expect, it } from 'vitest'
import { RandomPicker } from '../../src/balancer/random.js'
import { nodesOf } from './support.js'

describe('random', () => {
  it.each([
    [0, 0],
    [0.24, 0],
    [0.25, 1],
    [0.999_999_9, 3],
  ])('turns a draw of %d into node %d of four', (draw, index) => {
    const nodes = nodesOf({}, {}, {}, {})
    expect(new RandomPicker(() => draw).pick(nodes)).toBe(nodes[index])
  })
})
