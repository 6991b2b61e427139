import { describe, expect, it } from 'vitest'
import { readArguments } from '../../bench/soak/arguments.js'
import { areFlat, trendOf, type Sample } from '../../bench/soak/verdict.js'

/** One sample a minute. */
function samples(count: number, at: (minute: number) => Partial<Sample>): readonly Sample[] {
  return Array.from({ length: count }, (_, atMin) => ({ atMin, rssMiB: 100, heapMiB: 20, handles: 30, descriptors: 50, ...at(atMin) }))
}

describe('the verdict on a soak', () => {
  it('takes its slope from what comes after the first quarter of an hour', () => {
    const { rssSlope } = trendOf(samples(120, (minute) => ({ rssMiB: minute < 15 ? 50 + 5 * minute : 125 + (2 / 60) * minute })))
    expect(rssSlope).toBeCloseTo(2, 6)
  })

  it('overlooks a burst of handles, and finds the few that are left behind each minute', () => {
    expect(areFlat(trendOf(samples(120, (minute) => ({ handles: minute % 5 === 0 ? 2_000 : 30 }))).handles)).toBe(true)
    expect(areFlat(trendOf(samples(120, (minute) => ({ handles: 30 + minute }))).handles)).toBe(false)
  })
})

describe('the arguments of a soak', () => {
  it('are two hours of 500 calls a second with faults, if nobody says anything', () => {
    expect(readArguments([])).toEqual({ minutes: 120, perSec: 500, seed: 1, faults: true, oldSpaceMiB: undefined, json: false })
  })

  it('are refused when they are no numbers', () => {
    expect(() => readArguments(['--minutes', 'long'])).toThrow('--minutes: expected a number above 0, got long')
  })
})
