import type { Random } from './random.js'

export interface Backoff {
  /** Ceiling of the first wait. */
  readonly baseMs: number
  /** Ceiling of every wait. */
  readonly maxMs: number
}

/**
 * Exponential backoff with full jitter: a uniform draw from 0 to min(max, base × 2^failures), so that many clients
 * which failed together do not come back together
 * ({@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ | AWS Architecture Blog, 2015}).
 */
export function backoffMs(backoff: Backoff, failures: number, random: Random): number {
  // 2^30 is past every ceiling and still an exact number.
  const ceilingMs = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(failures, 30))
  return random() * ceilingMs
}
