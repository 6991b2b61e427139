import type { Clock } from './base/clock.js'
import type { Random } from './base/random.js'
import type { TimerWheel } from './base/timer-wheel.js'
import { attemptTimeout } from './resilience/attempt-timeout.js'
import type { Breaker } from './resilience/breaker.js'
import { deadline } from './resilience/deadline.js'
import { hedge } from './resilience/hedge.js'
import { remainingTime } from './resilience/remaining-time.js'
import { retry } from './resilience/retry.js'
import type { RetryBudget } from './resilience/retry-budget.js'
import { identity } from './auth/identity.js'
import type { TokenSource } from './auth/token-source.js'
import { balance } from './balancer/balance.js'
import type { EndpointSet } from './balancer/endpoint-set.js'
import type { Fleet } from './balancer/fleet.js'
import { goodbye } from './balancer/goodbye.js'
import { measure } from './balancer/measure.js'
import type { Node } from './balancer/node.js'
import type { Picker } from './balancer/picker.js'
import type { Ambient } from './call/ambient.js'
import type { Attempt, Call } from './call/call.js'
import type { Events } from './call/events.js'
import { stack, type Handler, type Layer } from './call/layer.js'
import type { ServicePolicy } from './call/policy.js'
import { attemptSpan } from './telemetry/attempt-span.js'
import { callSpan } from './telemetry/call-span.js'
import type { Tracing } from './telemetry/tracing.js'
import type { Transport } from './transport/transport.js'

/** What every stage of every service shares. */
export interface OutboundShared {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly events: Events
  readonly tracing: Tracing
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
    readonly budget: RetryBudget
    readonly endpoints: EndpointSet
    readonly fleet: Fleet
    readonly picker: Picker
  },
): Handler<Call> {
  const { clock, wheel, random, events, tracing, tokens } = shared
  const { policy, breaker, budget, endpoints, fleet, picker } = service
  const othersThan = (tried: readonly string[]): boolean => endpoints.levels.some(({ nodes }) => nodes.some(({ id }) => !tried.includes(id)))
  return stack<Call>(
    // Outermost, so that one span holds every try, wait and pick.
    callSpan(tracing),
    // Above the deadline, so that a call that cannot succeed starts no timer.
    breaker.layer,
    // Below the breaker, so that a half-open probe always settles; above retry, so that all tries share one budget of time.
    deadline({ wheel }),
    // Above identity and balance, so that each try signs afresh and may go elsewhere.
    retry({ policy: policy.retry, budget, othersThan, clock, wheel, random, events }),
    // Below retry, to which the two attempts are one; above the next two, so that each tells its own time and signs afresh.
    ...(policy.hedge.percentile === 0 ? [] : [hedge({ policy: policy.hedge, idempotent: policy.retry.idempotent, budget, othersThan, clock, wheel, events })]),
    // Below retry, since each try leaves less.
    remainingTime({ clock }),
    // Above balance, so that failing to sign is never charged to an endpoint.
    ...(tokens === undefined ? [] : [identity({ tokens })]),
  )(
    // The door: here the call gets its address.
    balance({ endpoints, fleet, picker, random, clock, events }),
  )
}

/** The stack of one endpoint: an attempt meets the stages in this order. */
export function attemptStack(shared: OutboundShared, node: Node, fleet: Fleet, transport: Transport): Handler<Attempt> {
  const { clock, wheel, tracing, ambient } = shared
  const layers: Layer<Attempt>[] = [
    // A client span only where bytes are really tried; it writes the trace context last, over whatever came before.
    attemptSpan(tracing, ambient),
    // Above the timeout, so that a timeout is felt at its full length: a failure must never look fast.
    measure(node, fleet),
    // Below the door, where an answer has its endpoint; it only listens.
    goodbye(node, { clock }),
    attemptTimeout({ wheel }),
  ]
  return stack(...layers)(transport.handle)
}
