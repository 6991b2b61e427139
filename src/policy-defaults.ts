import { localityDefaults } from './balancer/locality.js'
import { outlierDefaults } from './balancer/outlier.js'
import { balancerDefaults } from './balancer/picker.js'
import { slowStartDefaults } from './balancer/slow-start.js'
import { subsetDefaults } from './balancer/subset.js'
import type { ServicePolicy } from './call/policy.js'
import { attemptTimeoutDefaults } from './resilience/attempt-timeout.js'
import { breakerDefaults } from './resilience/breaker.js'
import { deadlineDefaults } from './resilience/deadline.js'
import { hedgeDefaults } from './resilience/hedge.js'
import { retryDefaults } from './resilience/retry.js'

/** What holds for a service of which nobody has said anything: each stage's own table, side by side. */
export const policyDefaults: ServicePolicy = Object.freeze({
  ...deadlineDefaults,
  ...attemptTimeoutDefaults,
  balancer: balancerDefaults,
  locality: localityDefaults,
  subset: subsetDefaults,
  slowStart: slowStartDefaults,
  outlier: outlierDefaults,
  retry: retryDefaults,
  hedge: hedgeDefaults,
  breaker: breakerDefaults,
})
