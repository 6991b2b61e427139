import { localityDefaults } from './balancer/locality.js'
import { outlierDefaults } from './balancer/outlier.js'
import { spillDefaults } from './balancer/offer.js'
import { balancerDefaults } from './balancer/picker.js'
import { slowStartDefaults } from './balancer/slow-start.js'
import { subsetDefaults } from './balancer/subset.js'
import type { ServicePolicy } from './call/policy.js'
import { attemptTimeoutDefaults } from './resilience/attempt-timeout.js'
import { breakerDefaults } from './resilience/breaker.js'
import { deadlineDefaults } from './resilience/deadline.js'
import { hedgeDefaults } from './resilience/hedge.js'
import { limitsDefaults } from './resilience/limiter.js'
import { retryDefaults } from './resilience/retry.js'
import { throttleDefaults } from './resilience/throttle.js'
import { tlsPolicyDefaults } from './transport/security.js'

/** What holds for a service of which nobody has said anything: each stage's own table, side by side. */
export const policyDefaults: ServicePolicy = Object.freeze({
  ...deadlineDefaults,
  ...attemptTimeoutDefaults,
  balancer: balancerDefaults,
  locality: localityDefaults,
  subset: subsetDefaults,
  slowStart: slowStartDefaults,
  outlier: outlierDefaults,
  spill: spillDefaults,
  retry: retryDefaults,
  hedge: hedgeDefaults,
  breaker: breakerDefaults,
  limits: limitsDefaults,
  throttle: throttleDefaults,
  tls: tlsPolicyDefaults,
})
