import { fields, oneOf, positiveMs, ratio, wholeNumber, type Reader } from '../base/validate.js'
import type { BalancerPolicy, BreakerPolicy, RetryPolicy, ServiceOptions } from './policy.js'

/** Reads what a user or a registry says about a service. */
export const serviceOptions: Reader<ServiceOptions> = fields<ServiceOptions>({
  timeoutMs: positiveMs,
  attemptTimeoutMs: positiveMs,
  balancer: fields<BalancerPolicy>({ algorithm: oneOf('random', 'round-robin', 'weighted', 'least-loaded') }),
  retry: fields<RetryPolicy>({ maxResends: wholeNumber(0, 10) }),
  breaker: fields<BreakerPolicy>({
    failureRatio: ratio,
    minCalls: wholeNumber(1),
    windowMs: wholeNumber(10, 600_000),
    openMs: wholeNumber(1, 86_400_000),
  }),
})
