import type { OutlierPolicy } from '../call/policy.js'

/** Recent results of one endpoint. */
export interface Tally {
  readonly successes: number
  readonly failures: number
}

export type StatisticalReason = 'success-rate' | 'failure-ratio'

/** Less than this below the others is not worth an ejection; a fleet that never fails would eject whoever fails once. */
const LEAST_GAP = 0.1

/**
 * Tells who does worse than the others: by its ratio of successes beside theirs, or by its ratio of failures alone (Envoy's
 * success rate and failure percentage detection, gRPC A50). Each is compared with the *others*: nobody in a fleet of three can be
 * two deviations below a mean and a deviation that are of his own making.
 */
export class Comparison {
  readonly #policy: OutlierPolicy
  #endpoints = 0
  #ratios = 0
  #squares = 0

  constructor(all: readonly Tally[], policy: OutlierPolicy) {
    this.#policy = policy
    for (const tally of all) {
      if (totalOf(tally) < policy.successRate.minRequests) continue
      const ratio = ratioOf(tally)
      this.#endpoints++
      this.#ratios += ratio
      this.#squares += ratio ** 2
    }
  }

  /** Why this one, which is one of `all`, should go. */
  reasonAgainst(own: Tally): StatisticalReason | undefined {
    const { failureRatio, successRate } = this.#policy
    const total = totalOf(own)
    const ratio = ratioOf(own)
    const { threshold, minRequests } = failureRatio
    if (threshold > 0 && total >= minRequests && 1 - ratio >= threshold) return 'failure-ratio'
    if (successRate.stdevFactor === 0 || total < successRate.minRequests) return undefined
    if (this.#endpoints < successRate.minEndpoints) return undefined
    const others = this.#endpoints - 1
    const mean = (this.#ratios - ratio) / others
    const stdev = Math.sqrt(Math.max(0, (this.#squares - ratio ** 2) / others - mean ** 2))
    return ratio < mean - Math.max(LEAST_GAP, successRate.stdevFactor * stdev) ? 'success-rate' : undefined
  }
}

function totalOf({ successes, failures }: Tally): number {
  return successes + failures
}

function ratioOf(tally: Tally): number {
  return tally.successes / totalOf(tally)
}
