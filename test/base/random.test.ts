import { describe, expect, it } from 'vitest'
import { Lots, seededRandom, systemRandom } from '../../src/base/random.js'

describe('random', () => {
  it('gives the numbers of mulberry32 for a seed', () => {
    // Worked out with the 32-bit integer arithmetic of the published generator, in Python.
    const random = seededRandom(42)
    const numbers = Array.from({ length: 4 }, () => random() * 2 ** 32)
    expect(numbers).toEqual([2_581_720_956, 1_925_393_290, 3_661_312_704, 2_876_485_805])
  })

  it('gives the same numbers for the same seed, and others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 20 }, seededRandom(seed))
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it.each([
    ['seeded', seededRandom(3)],
    ['system', systemRandom],
  ])('spreads %s numbers evenly over [0, 1)', (_, random) => {
    const buckets = new Array<number>(10).fill(0)
    const numbers = Array.from({ length: 20_000 }, random)
    expect(numbers.every((n) => n >= 0 && n < 1)).toBe(true)
    for (const n of numbers) buckets[Math.floor(n * 10)]!++
    // Six standard deviations of 42: about one false alarm in fifty million runs.
    for (const count of buckets) expect(Math.abs(count - 2_000)).toBeLessThan(260)
  })

  it('draws whole numbers below any count, each with the same chance, from one draw', () => {
    let draws = 0
    const lots = new Lots(() => {
      draws++
      return 0.3
    })
    for (const count of [1, 2, 3, 7, 500]) {
      const tallies = new Array<number>(count).fill(0)
      for (let i = 0; i < 1_000 * count; i++) tallies[lots.below(count)]!++
      // Six standard deviations of 32.
      for (const tally of tallies) expect(Math.abs(tally - 1_000)).toBeLessThan(190)
    }
    expect(draws).toBe(1)
  })
})
