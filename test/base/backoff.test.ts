import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../src/base/backoff.js'
import { seededRandom } from '../../src/base/random.js'

describe('backoff', () => {
  it('stays between nothing and a ceiling that doubles with each failure up to the greatest', () => {
    const backoff = fc.record({ baseMs: fc.integer({ min: 1, max: 1_000 }), maxMs: fc.integer({ min: 1, max: 60_000 }) })
    fc.assert(
      fc.property(backoff, fc.nat(2_000), fc.integer(), ({ baseMs, maxMs }, failures, seed) => {
        const waitMs = backoffMs({ baseMs, maxMs }, failures, seededRandom(seed))
        expect(waitMs).toBeGreaterThanOrEqual(0)
        expect(waitMs).toBeLessThanOrEqual(Math.min(maxMs, baseMs * 2 ** failures))
      }),
    )
  })

  it('reaches the whole range, so that clients which failed together do not come back together', () => {
    const random = seededRandom(1)
    const waits = Array.from({ length: 1_000 }, () => backoffMs({ baseMs: 100, maxMs: 10_000 }, 2, random))
    expect(Math.min(...waits)).toBeLessThan(20)
    expect(Math.max(...waits)).toBeGreaterThan(380)
    const mean = waits.reduce((sum, ms) => sum + ms, 0) / waits.length
    expect(mean).toBeGreaterThan(185)
    expect(mean).toBeLessThan(215)
  })

  it('takes its base for the ceiling of the first wait', () => {
    expect(backoffMs({ baseMs: 100, maxMs: 10_000 }, 0, () => 0.5)).toBe(50)
    expect(backoffMs({ baseMs: 100, maxMs: 10_000 }, 1, () => 0.5)).toBe(100)
  })
})
