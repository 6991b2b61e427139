import type { Server } from 'node:http'
import { authorize } from './auth/authorize.js'
import { noPolicy } from './auth/live-policy.js'
import { rawPathOf } from './auth/request-path.js'
import { createEventLoop, createLoopDelay } from './base/event-loop.js'
import type { Random } from './base/random.js'
import type { TimerWheel } from './base/timer-wheel.js'
import { optionError } from './base/validate.js'
import type { Ambient } from './call/ambient.js'
import { Chain, RESEND_HEADER } from './call/chain.js'
import type { Events } from './call/events.js'
import type { Arrival, Inbound, InboundReply } from './call/inbound.js'
import { stack, type Handler, type Layer } from './call/layer.js'
import { formatLoadReport } from './call/load-report.js'
import { PRIORITY_HEADER, priorityOf, type Priority } from './call/priority.js'
import { callerIdentity, type CallerGround } from './caller-identity.js'
import { answerRefusals, tellAudit, tellFault } from './inbound-news.js'
import { readInboundOptions, type InboundOptions } from './inbound-options.js'
import { answerProbes, type MeshHealth } from './lifecycle/health.js'
import { awaited } from './resilience/awaited.js'
import type { Drain } from './resilience/drain.js'
import { injectFaults } from './resilience/fault-injection.js'
import { inboundDeadline } from './resilience/inbound-deadline.js'
import { Patience } from './resilience/patience.js'
import { shedDefaults } from './resilience/shed-options.js'
import { Shedder, type ShedCounts } from './resilience/shed.js'
import { spill } from './resilience/spill.js'
import type { Metrics } from './telemetry/metrics.js'
import { traceHeadersOf } from './telemetry/propagation.js'
import { peerMetrics } from './telemetry/request-metrics.js'
import { peerOnSpan, serverSpan } from './telemetry/server-span.js'
import type { Tracing } from './telemetry/tracing.js'

/** What the inbound stack needs of its mesh. */
export interface InboundHost extends CallerGround {
  readonly wheel: TimerWheel
  readonly events: Events
  readonly ambient: Ambient
  readonly drain: Drain
  readonly random: Random
  /** Whether faults may be injected at all. */
  readonly faultInjection: boolean
  readonly shedCounts: ShedCounts
  /** What probes are told. */
  readonly health: () => MeshHealth
  readonly tracing: Tracing
  readonly metrics: Metrics
}

/** What an edge needs of a mesh. */
export interface InboundMesh {
  /** Checks the options, and makes the way that an edge's requests take. Throws `MESH_ERR_OPTION`. */
  inbound(options: InboundOptions): Handler<Arrival, InboundReply>
  /** Lets the mesh end the connections of this server in order. */
  attach(server: Server): void
  /** Fulfils when nobody should be sending any more. */
  leave(): Promise<void>
}

/**
 * THE inbound stack: every stage that a request meets, in the order in which it meets them. Throws `MESH_ERR_OPTION`, also
 * for a mesh without an issuer: whom it cannot verify it could only refuse.
 */
export function createInbound(host: InboundHost, options: InboundOptions): Handler<Arrival, InboundReply> {
  const read = readInboundOptions(options, '')
  const { exempt = [], policy = noPolicy, health = false, loadReport = true, shed = shedDefaults, faults = [], tls, ...tokenRules } = read
  if (faults.length > 0 && !host.faultInjection) throw optionError('faults', 'none, unless createMesh was given faultInjection: true', faults)
  const identity = callerIdentity(host, tls, tokenRules)

  const unheard = policy.listen({
    replaced: () => host.events.emit('policyReplaced', {}),
    refused: (reason) => host.events.emit('policyRefused', { reason }),
  })
  host.events.on('closed', unheard)

  const eventLoop = createEventLoop(host.clock)
  // Without the one that is being answered.
  const reportLoad = (): string => formatLoadReport({ inFlight: host.drain.inFlight - 1, utilization: eventLoop.utilization() })

  const shedder = shed && new Shedder({ settings: shed, clock: host.clock, eventLoop, loopDelay: createLoopDelay(host.clock), counts: host.shedCounts })

  const admit = stack<Inbound, InboundReply>(
    // Outermost: a probe brings no token, and wants its answer while everybody else is refused.
    ...(health === false ? [] : [answerProbes(health, host.health)]),
    // Above all that refuses, so that each refusal is told once and answered in one form.
    answerRefusals(host),
    // Above all work: what is refused here may be sent elsewhere at once.
    host.drain.layer,
    // Above the span: a request for which nobody waits any more is not worth one.
    inboundDeadline(host),
    // Above span and identity: a refusal must cost next to nothing. So a caller is believed its priority before it is known; a
    // false claim brings it as far as identity, and no further than four times the limit.
    ...(shedder === false ? [] : [unless(exempt, shedder.layer)]),
    // Above identity, so that the trace shows who was refused and what it cost to find out.
    serverSpan(host.tracing),
    unless(
      exempt,
      // Above authorization, which judges callers that are known.
      ...identity,
      // Above authorization, so that the trace of a refusal names the caller.
      peerOnSpan(host.tracing),
      // Above authorization too: whoever is refused is counted as well.
      peerMetrics(host, host.tracing),
      // Below authentication, by which the caller is known.
      authorize({ policy, audit: tellAudit(host) }),
      // Below authorization: how busy the application is, is told to nobody else; a remembered token costs next to nothing.
      spill({ clock: host.clock, inFlight: () => host.drain.inFlight, loadReport: loadReport ? reportLoad : undefined }),
      // Below authorization: it answers in the application's place, and only callers that may ask.
      ...(faults.length === 0 ? [] : [injectFaults(faults, { ...host, told: tellFault(host) })]),
    ),
    // Innermost: behind it stands the application, which starts nothing for a caller who went away while the stages above waited.
    awaited(host),
  )

  const handle = admit((inbound) => {
    const { deadlineAt, cancellation, traceHeaders, peer, chain } = inbound
    // What a caller that nobody has verified says of its priority holds at this door and goes no further.
    const priority = peer === undefined ? 'normal' : inbound.priority
    const context = { deadlineAt, cancellation, traceHeaders, peer, priority, chain }
    const patience = new Patience(inbound, host)
    const admitted = { ...inbound, loadReport: loadReport && peer !== undefined ? reportLoad : undefined, signal: () => patience.signal }
    const answering = host.ambient.run(context, () => inbound.proceed(admitted))
    patience.endWith(answering)
    return answering
  })
  const priorityIn = (arrival: Arrival): Priority => (shed && !shed.trustPriority ? 'normal' : priorityOf(arrival.header(PRIORITY_HEADER)))
  const unknown = { deadlineAt: Infinity, peer: undefined, loadReport: undefined, signal: () => new AbortController().signal }
  return (arrival) => {
    const chain = new Chain(arrival.header(RESEND_HEADER) !== undefined)
    return handle({ ...arrival, ...unknown, traceHeaders: traceHeadersOf(arrival), priority: priorityIn(arrival), chain })
  }
}

/** The layers, passed by on these paths. A path is compared as it came: whatever else a router takes for it is not exempt. */
function unless(paths: readonly string[], ...layers: readonly Layer<Inbound, InboundReply>[]): Layer<Inbound, InboundReply> {
  const open = new Set(paths)
  return (next) => {
    const guarded = stack(...layers)(next)
    return (inbound) => (open.has(rawPathOf(inbound.target)) ? next(inbound) : guarded(inbound))
  }
}
