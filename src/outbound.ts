import type { Clock } from './base/clock.js'
import type { Random } from './base/random.js'
import type { TimerWheel } from './base/timer-wheel.js'
import { attemptTimeout } from './resilience/attempt-timeout.js'
import type { Breaker } from './resilience/breaker.js'
import { deadline } from './resilience/deadline.js'
import { fallback, type Fallback } from './resilience/fallback.js'
import { hedge } from './resilience/hedge.js'
import { inheritedCancellation } from './resilience/inherited-cancellation.js'
import type { RecentMinimum } from './resilience/recent-minimum.js'
import type { Limiter } from './resilience/limiter.js'
import { remainingTime } from './resilience/remaining-time.js'
import { retry } from './resilience/retry.js'
import type { RetryBudget } from './resilience/retry-budget.js'
import type { Throttle } from './resilience/throttle.js'
import { identity } from './auth/identity.js'
import type { TokenSource } from './auth/token-source.js'
import { balance } from './balancer/balance.js'
import type { EndpointSet } from './balancer/endpoint-set.js'
import type { Fleet } from './balancer/fleet.js'
import { goodbye } from './balancer/goodbye.js'
import { measure } from './balancer/measure.js'
import type { Node } from './balancer/node.js'
import { offer } from './balancer/offer.js'
import type { Picker } from './balancer/picker.js'
import type { Ambient } from './call/ambient.js'
import type { Attempt, Call } from './call/call.js'
import type { Events } from './call/events.js'
import { stack, type Handler, type Layer } from './call/layer.js'
import type { ServicePolicy } from './call/policy.js'
import { attemptSpan } from './telemetry/attempt-span.js'
import { callSpan } from './telemetry/call-span.js'
import { attemptMeter } from './telemetry/attempt-metrics.js'
import { callMetrics } from './telemetry/call-metrics.js'
import type { Metrics } from './telemetry/metrics.js'
import type { Tracing } from './telemetry/tracing.js'
import type { Transport } from './transport/transport.js'

/** What every stage of every service shares. */
export interface OutboundShared {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly events: Events
  readonly tracing: Tracing
  readonly metrics: Metrics
  readonly ambient: Ambient
  /** Undefined when calls go out without a token. */
  readonly tokens: TokenSource | undefined
}

/** THE outbound stack of one service: a call meets the stages in this order. */
export function callStack(
  shared: OutboundShared,
  service: {
    readonly policy: ServicePolicy
    readonly breaker: Breaker
    /** Undefined when a failure is a failure. */
    readonly fallback: Fallback | undefined
    readonly minimum: RecentMinimum
    readonly throttle: Throttle
    readonly limiter: Limiter
    readonly budget: RetryBudget
    readonly endpoints: EndpointSet
    readonly fleet: Fleet
    readonly picker: Picker
  },
): Handler<Call> {
  const { clock, wheel, random, events, tracing, ambient, tokens } = shared
  const { policy, breaker, throttle, limiter, budget, minimum, endpoints, fleet, picker } = service
  const maxInFlight = policy.limits.maxInFlightPerEndpoint === 0 ? Infinity : policy.limits.maxInFlightPerEndpoint
  const othersThan = (tried: readonly string[]): boolean => endpoints.levels.some(({ nodes }) => nodes.some(({ id }) => !tried.includes(id)))
  return stack<Call>(
    // Outermost, so that one span holds every try, wait and pick.
    callSpan(tracing),
    // Above all that answers in the service's place, so that a call is counted once and as its caller sees it.
    callMetrics(shared.metrics, endpoints.service),
    // Above the breaker, so that a call that is refused has its fallback too.
    ...(service.fallback === undefined ? [] : [fallback({ answer: service.fallback, breaker, events })]),
    // Above the breaker, so that a call for which nobody waits is no probe.
    inheritedCancellation({ ambient }),
    // Above the deadline, so that a call that cannot succeed starts no timer.
    breaker.layer,
    // Below the breaker, which may have an answer for what is held back. Above deadline and limiter: a call that is not to be
    // sent starts no timer and waits for no room.
    ...(policy.throttle.requestsPerAccept === 0 ? [] : [throttle.layer]),
    // Below the breaker, so that a half-open probe always settles; above retry, so that all tries share one budget of time.
    deadline({ wheel }),
    // Below the deadline, which ends the wait for room. Above retry: a call that was let in is not refused between two tries,
    // and waits once.
    limiter.layer,
    // Above identity and balance, so that each try signs afresh and may go elsewhere.
    retry({ policy: policy.retry, budget, othersThan, clock, wheel, random, events }),
    // Below retry, to which the two attempts are one; above the next two, so that each tells its own time and signs afresh.
    ...(policy.hedge.percentile === 0 ? [] : [hedge({ policy: policy.hedge, idempotent: policy.retry.idempotent, budget, othersThan, clock, wheel, events })]),
    // Below retry, since each try leaves less.
    remainingTime({ clock, minimum }),
    // Below retry: what is refused politely was neither tried nor failed. Above identity: whoever refused it has seen its proof, which counts once.
    ...(policy.spill.maxOffers === 0 ? [] : [offer(fleet, policy.spill)]),
    // Above balance, so that failing to sign is never charged to an endpoint.
    ...(tokens === undefined ? [] : [identity({ tokens })]),
  )(
    // The door: here the call gets its address.
    balance({ endpoints, fleet, picker, random, clock, events, maxInFlight, recorded: () => tracing.records }),
  )
}

/** The stack of one endpoint: an attempt meets the stages in this order. */
export function attemptStack(shared: OutboundShared, node: Node, fleet: Fleet, transport: Transport): Handler<Attempt> {
  const { clock, wheel, tracing, ambient } = shared
  const layers: Layer<Attempt>[] = [
    // A client span only where bytes are really tried; it writes the trace context last, over whatever came before.
    attemptSpan(tracing, ambient),
    // Above the timeout, so that a timeout is felt at its full length: a failure must never look fast. Below the span, in whose
    // context a measurement is made.
    measure(node, fleet, attemptMeter(shared)),
    // Below the door, where an answer has its endpoint; it only listens.
    goodbye(node, { clock }),
    attemptTimeout({ wheel }),
  ]
  return stack(...layers)(transport.handle)
}
