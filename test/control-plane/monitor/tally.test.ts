import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Sums, Tally } from '../../../src/control-plane/monitor/tally.js'

const NOW = 1_800_000_000_500

function summed(tally: Tally, windowSec: number): Sums {
  const sums = new Sums(2, { now: NOW, windowSec })
  sums.add(tally)
  return sums
}

describe('a tally', () => {
  it('counts each thing in every window that it is in, whatever order they come in', () => {
    const things = fc.array(fc.record({ agoSec: fc.nat(900), column: fc.nat(1) }), { maxLength: 200 })
    fc.assert(
      fc.property(things, fc.integer({ min: 1, max: 600 }), (happened, windowSec) => {
        const tally = new Tally(2, { durations: false })
        // What is older than the ring may be written over, but never counted as something newer.
        for (const { agoSec, column } of happened) tally.count(column, NOW - agoSec * 1_000)
        for (const column of [0, 1]) {
          const expected = happened.filter((thing) => thing.column === column && thing.agoSec <= windowSec).length
          expect(summed(tally, windowSec).count(column)).toBe(expected)
        }
      }),
    )
  })

  it.each([60, 600])('knows percentiles of %d seconds to 4.5 %', (windowSec) => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 90_000, noNaN: true }), { minLength: 1, maxLength: 200 }), fc.constantFrom(0.5, 0.9, 0.99), (durations, share) => {
        const tally = new Tally(2, { durations: true })
        for (const durationMs of durations) tally.took(durationMs, NOW)
        const exact = [...durations].sort((a, b) => a - b)[Math.ceil(share * durations.length) - 1]!
        // And to half a microsecond, by which it is rounded.
        expect(Math.abs(summed(tally, windowSec).percentileMs(share) - exact)).toBeLessThan(0.045 * exact + 0.000_51)
      }),
    )
  })

  it('takes what is impossibly short or long for the shortest or longest', () => {
    const tally = new Tally(2, { durations: true })
    for (const durationMs of [0, -1, Infinity, NaN]) tally.took(durationMs, NOW)
    expect(summed(tally, 60).percentileMs(0.01)).toBeLessThan(0.11)
  })

  it('has no percentile of nothing', () => {
    expect(summed(new Tally(2, { durations: true }), 60).percentileMs(0.99)).toBe(0)
  })
})
