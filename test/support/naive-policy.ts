import type { ServiceOptions } from '../../src/index.js'

/** As long as anybody waits. */
export const PATIENCE = { timeoutMs: 3_000, attemptTimeoutMs: 1_000 }

/** Three tries for whatever fails, and nothing that bounds them. */
export const NAIVE: ServiceOptions = {
  ...PATIENCE,
  retry: { maxResends: 2, budgetRatio: 1, minPerSec: 1_000_000 },
  breaker: { failureRatio: 1, minCalls: 1_000_000_000 },
  limits: { maxInFlight: 0 },
  throttle: { requestsPerAccept: 0 },
  outlier: { consecutiveFailures: 0 },
  spill: { maxOffers: 0 },
}
