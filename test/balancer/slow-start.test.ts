import { describe, expect, it } from 'vitest'
import { rampAt, slowStartDefaults } from '../../src/balancer/slow-start.js'

describe('slow start', () => {
  it('rises from a tenth to all, and never falls', () => {
    const ramps = Array.from({ length: 100 }, (_, i) => rampAt(i * 100, slowStartDefaults))
    expect(ramps[0]).toBe(0.1)
    expect(rampAt(4_000, slowStartDefaults)).toBe(0.5)
    expect(rampAt(8_000, slowStartDefaults)).toBe(1)
    expect(ramps.every((ramp, i) => i === 0 || ramp >= ramps[i - 1]!)).toBe(true)
  })

  it('is over for those that were there from the beginning, and for all when it is switched off', () => {
    expect(rampAt(Infinity, slowStartDefaults)).toBe(1)
    expect(rampAt(0, { windowMs: 0 })).toBe(1)
  })
})
