import { fields, flag, numberFrom, oneOf, optionError, positiveMs, ratio, wholeNumber, type Reader } from '../base/validate.js'
import { withoutContradiction } from './policy-pairs.js'
import type {
  BalancerPolicy,
  BreakerPolicy,
  HedgePolicy,
  LimitsPolicy,
  LocalityPolicy,
  OutlierPolicy,
  RetryPolicy,
  SpillPolicy,
  ServiceOptions,
  SlowStartPolicy,
  SubsetPolicy,
  ThrottlePolicy,
  TlsPolicy,
} from './policy.js'

/** A token of RFC 9110 §5.6.2, as the names of header fields and cookies are; empty for none. */
function name(example: string): Reader<string> {
  return (value, path) => {
    if (typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]*$/.test(value)) return value
    throw optionError(path, `the name of ${example}`, value)
  }
}

/** Fewer than one would be fewer and fewer, until none is sent. */
const requestsPerAccept: Reader<number> = (value, path) => {
  if (value === 0 || (typeof value === 'number' && value >= 1 && value <= 100)) return value
  throw optionError(path, 'a number from 1 to 100, or 0', value)
}

/** Compared as text with what a certificate says, which is read strictly. */
const workload: Reader<string> = (value, path) => {
  if (typeof value === 'string' && /^(?:spiffe:\/\/[a-z0-9._-]+(?:\/[\w.-]+)+)?$/.test(value)) return value
  throw optionError(path, 'the SPIFFE ID of a workload, such as spiffe://example.org/users', value)
}

const headerName: Reader<string> = (value, path) => name('a header field, such as x-user')(value, path).toLowerCase()
const cookieName = name('a cookie, such as session')

/** How each part of it is read. */
export const serviceReaders = Object.freeze({
  timeoutMs: positiveMs,
  attemptTimeoutMs: positiveMs,
  balancer: fields<BalancerPolicy>({
    algorithm: oneOf('adaptive', 'least-loaded', 'round-robin', 'random', 'weighted', 'ring-hash'),
    hashHeader: headerName,
    hashCookie: cookieName,
  }),
  locality: fields<LocalityPolicy>({ mode: oneOf('prefer', 'off'), overprovisioning: numberFrom(1, 1_000) }),
  subset: fields<SubsetPolicy>({ size: wholeNumber(0) }),
  slowStart: fields<SlowStartPolicy>({ windowMs: wholeNumber(0, 600_000) }),
  outlier: fields<NonNullable<ServiceOptions['outlier']>>({
    consecutiveFailures: wholeNumber(0),
    intervalMs: wholeNumber(10, 600_000),
    baseEjectionMs: wholeNumber(1, 3_600_000),
    maxEjectionMs: wholeNumber(1, 3_600_000),
    maxEjectedRatio: ratio,
    successRate: fields<OutlierPolicy['successRate']>({
      stdevFactor: numberFrom(0, 100),
      minEndpoints: wholeNumber(2),
      minRequests: wholeNumber(1),
    }),
    failureRatio: fields<OutlierPolicy['failureRatio']>({ threshold: ratio, minRequests: wholeNumber(1) }),
  }),
  spill: fields<SpillPolicy>({ maxOffers: wholeNumber(0, 5) }),
  retry: fields<RetryPolicy>({
    maxResends: wholeNumber(0, 10),
    idempotent: flag,
    backoffMs: wholeNumber(0, 60_000),
    maxBackoffMs: wholeNumber(0, 60_000),
    budgetRatio: ratio,
    minPerSec: numberFrom(0, 1_000_000),
  }),
  hedge: fields<HedgePolicy>({ percentile: numberFrom(0, 0.999_9), maxExtraRatio: ratio }),
  breaker: fields<BreakerPolicy>({
    failureRatio: ratio,
    minCalls: wholeNumber(1),
    windowMs: wholeNumber(10, 600_000),
    openMs: wholeNumber(1, 86_400_000),
  }),
  limits: fields<LimitsPolicy>({
    maxInFlight: wholeNumber(0),
    maxWaiting: wholeNumber(0),
    maxInFlightPerEndpoint: wholeNumber(0),
    adaptive: flag,
  }),
  throttle: fields<ThrottlePolicy>({ requestsPerAccept, windowMs: wholeNumber(100, 600_000) }),
  tls: fields<TlsPolicy>({ mode: oneOf('required', 'offered', 'off'), identity: workload }),
})

const readFields = fields<ServiceOptions>(serviceReaders)

/** Reads what a user or a registry says about a service. */
export const serviceOptions: Reader<ServiceOptions> = (value, path) => withoutContradiction(readFields(value, path), path)
