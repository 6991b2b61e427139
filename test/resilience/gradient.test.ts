import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { Gradient } from '../../src/resilience/gradient.js'

/** Many rounds at a service that works on `slots` at a time, each for `serviceMs`, with as many calls as the limit allows or `offered`. */
function saturate(gradient: Gradient, { slots, serviceMs, rounds, offered = Infinity, nowMs = 0, noise = 0, seed = 1 }: {
  readonly slots: number
  readonly serviceMs: number
  readonly rounds: number
  readonly offered?: number
  readonly nowMs?: number
  readonly noise?: number
  readonly seed?: number
}): number {
  const random = seededRandom(seed)
  for (let i = 0; i < rounds; i++) {
    const inFlight = Math.min(gradient.limit, offered)
    const latencyMs = serviceMs * Math.max(1, inFlight / slots)
    nowMs += Math.max(100, 2 * latencyMs)
    for (let j = 0; j < 20; j++) gradient.observe(latencyMs * (1 + noise * (random() - 0.5)), inFlight, nowMs)
  }
  return nowMs
}

describe('gradient', () => {
  it.each([[40, 20], [100, 5], [400, 50]])('finds a limit that keeps %i slots of %i ms busy and little more', (slots, serviceMs) => {
    const gradient = new Gradient()
    saturate(gradient, { slots, serviceMs, rounds: 1_000, noise: 1 })
    expect(gradient.limit).toBeGreaterThanOrEqual(slots)
    expect(gradient.limit).toBeLessThan(2 * slots)
  })

  it('gives way when the service gets slower, and takes the room again when it is well', () => {
    const gradient = new Gradient()
    let nowMs = saturate(gradient, { slots: 100, serviceMs: 10, rounds: 500 })
    const well = gradient.limit
    nowMs = saturate(gradient, { slots: 100, serviceMs: 40, rounds: 20, nowMs })
    const slow = gradient.limit
    saturate(gradient, { slots: 100, serviceMs: 10, rounds: 200, nowMs })
    expect(slow).toBeLessThan(well / 3)
    expect(gradient.limit).toBeGreaterThan(well * 0.8)
  })

  it('does not grow while nobody needs it', () => {
    const gradient = new Gradient()
    saturate(gradient, { slots: 1_000, serviceMs: 10, rounds: 500, offered: 9 })
    expect(gradient.limit).toBe(20)
  })

  it('takes no failure for a quick answer', () => {
    const gradient = new Gradient()
    let nowMs = saturate(gradient, { slots: 50, serviceMs: 20, rounds: 300 })
    const before = gradient.limit
    for (let i = 0; i < 50; i++) {
      nowMs += 1_000
      for (let j = 0; j < 20; j++) gradient.observeFailure(1, before, nowMs)
    }
    // What failed at once counts as usual: the limit may drift, but what is usual does not become 1 ms.
    const drifted = gradient.limit
    saturate(gradient, { slots: 50, serviceMs: 20, rounds: 100, nowMs })
    expect(gradient.limit).toBeLessThanOrEqual(Math.max(drifted, before) + 1)
    expect(gradient.limit).toBeGreaterThanOrEqual(50)
  })

  it('stays between what it never goes below and above, whatever it sees', () => {
    const sample = fc.record({ latencyMs: fc.double({ min: 0, max: 60_000, noNaN: true }), inFlight: fc.nat(2_000), after: fc.nat(2_000), kind: fc.constantFrom('answer', 'failure', 'refusal') })
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 300 }), fc.integer({ min: 1, max: 500 }), (samples, most) => {
        const gradient = new Gradient()
        gradient.most = most
        let nowMs = 0
        for (const { latencyMs, inFlight, after, kind } of samples) {
          nowMs += after
          if (kind === 'answer') gradient.observe(latencyMs, inFlight, nowMs)
          else if (kind === 'failure') gradient.observeFailure(latencyMs, inFlight, nowMs)
          else gradient.refuse()
          expect(Number.isInteger(gradient.limit)).toBe(true)
          expect(gradient.limit).toBeGreaterThanOrEqual(Math.min(20, most))
          expect(gradient.limit).toBeLessThanOrEqual(most)
        }
      }),
    )
  })
})
