import type { Verdict } from './auth/policy.js'
import { rawPathOf } from './auth/request-path.js'
import type { Clock } from './base/clock.js'
import type { Events } from './call/events.js'
import type { Inbound, InboundReply, Peer } from './call/inbound.js'
import type { Layer } from './call/layer.js'
import { problemOf, Refusal } from './call/refusal.js'
import type { InjectedFault } from './resilience/fault-injection.js'
import type { Metrics } from './telemetry/metrics.js'
import { redactTokens } from './telemetry/redact.js'
import { requestMeter } from './telemetry/request-metrics.js'
import { faultOnSpan } from './telemetry/server-span.js'
import type { Tracing } from './telemetry/tracing.js'

/** Where the news of inbound requests goes. */
export interface NewsGround {
  readonly clock: Clock
  readonly events: Events
  readonly metrics: Metrics
  readonly tracing: Tracing
}

/** Tells the listeners why a request was refused, and the caller that it was; and has each request measured. */
export function answerRefusals(host: NewsGround): Layer<Inbound, InboundReply> {
  const { events, clock } = host
  const measured = requestMeter(host)
  return (next) => async (inbound) => {
    const startedAtMs = clock.now()
    try {
      const reply = await next(inbound)
      measured(inbound, startedAtMs, { status: reply.status, reply })
      return reply
    } catch (error) {
      if (!(error instanceof Refusal)) {
        measured(inbound, startedAtMs, { status: undefined, code: '_OTHER' })
        throw error
      }
      const { status, code, message: reason, peer } = error
      measured(inbound, startedAtMs, { status, code, peer })
      if (code === 'MESH_ERR_SPILLED') events.emit('spilled', { peer, reason })
      else events.emit('denied', { status, code, method: inbound.method, path: redactTokens(rawPathOf(inbound.target)), peer, reason })
      return { status, route: undefined, aborted: false, answer: problemOf(error) }
    }
  }
}

/** Tells the listeners what would have become of a request by the part of its policy that is only tried. */
export function tellAudit({ events }: NewsGround): (verdict: Verdict, inbound: Inbound, peer: Peer) => void {
  return ({ allowed, rule }, { method, target }, { principal }) => {
    events.emit('audited', { allowed, rule, method, path: redactTokens(rawPathOf(target)), peer: principal })
  }
}

/** Tells the listeners, and the trace, what went wrong on purpose. */
export function tellFault({ events, tracing }: NewsGround): (fault: InjectedFault, inbound: Inbound) => void {
  return (fault, { method, target, peer }) => {
    events.emit('faultInjected', { ...fault, method, path: redactTokens(rawPathOf(target)), peer: peer?.service })
    faultOnSpan(tracing, fault.status === undefined ? 'delay' : 'abort')
  }
}
