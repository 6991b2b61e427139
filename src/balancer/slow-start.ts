import type { SlowStartPolicy } from '../call/policy.js'

export const slowStartDefaults: SlowStartPolicy = Object.freeze({ windowMs: 8_000 })

/** Share of an endpoint's due that it gets at first. */
const LEAST_RATIO = 0.1

/**
 * Share of its due, up to 1, that an endpoint gets this long after it came, or came back: caches are cold, code is not yet
 * compiled, and all callers find it empty at the same moment.
 */
export function rampAt(ageMs: number, { windowMs }: SlowStartPolicy): number {
  return ageMs >= windowMs ? 1 : Math.max(LEAST_RATIO, ageMs / windowMs)
}
