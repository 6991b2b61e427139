import type { Server } from 'node:http'
import { authorize } from './auth/authorize.js'
import type { ProofDemand } from './auth/proof-check.js'
import { noPolicy, policySource, type LivePolicy, type PolicySource } from './auth/live-policy.js'
import type { AccessPolicy, Verdict } from './auth/policy.js'
import { exactPath, rawPathOf } from './auth/request-path.js'
import { createEventLoop, createLoopDelay } from './base/event-loop.js'
import type { Random } from './base/random.js'
import type { TimerWheel } from './base/timer-wheel.js'
import { fields, flag, listOf, oneOf, optionError, positiveMs, text, wholeNumber } from './base/validate.js'
import type { Ambient } from './call/ambient.js'
import { Chain, RESEND_HEADER } from './call/chain.js'
import type { Events } from './call/events.js'
import type { Arrival, Inbound, InboundReply, Peer } from './call/inbound.js'
import { stack, type Handler, type Layer } from './call/layer.js'
import { formatLoadReport } from './call/load-report.js'
import type { TlsMode } from './call/policy.js'
import { PRIORITY_HEADER, priorityOf, type Priority } from './call/priority.js'
import { problemOf, Refusal } from './call/refusal.js'
import { callerIdentity, type CallerGround } from './caller-identity.js'
import { answerProbes, readHealth, type HealthOptions, type HealthPaths, type MeshHealth } from './lifecycle/health.js'
import { awaited } from './resilience/awaited.js'
import type { Drain } from './resilience/drain.js'
import { injectFaults, readFaults, type FaultOptions, type InjectedFault } from './resilience/fault-injection.js'
import { inboundDeadline } from './resilience/inbound-deadline.js'
import { Patience } from './resilience/patience.js'
import { readShed, shedDefaults, type ShedOptions, type ShedSettings } from './resilience/shed-options.js'
import { Shedder, type ShedCounts } from './resilience/shed.js'
import { spill } from './resilience/spill.js'
import type { Metrics } from './telemetry/metrics.js'
import { peerMetrics, requestMeter } from './telemetry/request-metrics.js'
import { traceHeadersOf } from './telemetry/propagation.js'
import { redactTokens } from './telemetry/redact.js'
import { faultOnSpan, peerOnSpan, serverSpan } from './telemetry/server-span.js'
import type { Tracing } from './telemetry/tracing.js'
import { tlsMode } from './tls-options.js'

export interface InboundOptions {
  /** Who may ask for what; `livePolicy` and `policyFile` make one that can be replaced. Default: nobody, for anything. */
  readonly policy?: AccessPolicy | LivePolicy | undefined
  /** What a token must be meant for. Default: this service's name. */
  readonly audience?: string | undefined
  /** Paths that are open to everybody, token or not, such as `/healthz`: exactly these, letter for letter. Default: none. */
  readonly exempt?: readonly string[] | undefined
  /**
   * Answers the probes of an orchestrator, as JSON and without a token: `true` for `/livez` (200 while the process answers)
   * and `/readyz` (503 while it drains), or paths of your own. Default: none.
   */
  readonly health?: boolean | HealthOptions | undefined
  /** Tells verified callers with each answer how busy this process is (ORCA, `endpoint-load-metrics`). Default true. */
  readonly loadReport?: boolean | undefined
  /** How far the issuer's clock may be apart from this one, at most 60 000. Default 30 000. */
  readonly leewayMs?: number | undefined
  /** Longest life of a token that is taken. Default an hour. */
  readonly maxLifetimeMs?: number | undefined
  /** Whether requests have to come over mutual TLS; see `createMesh({ tls: { mode } })`, whose word it is by default. */
  readonly tls?: TlsMode | undefined
  /**
   * Whether callers must bring tokens that are bound to a key, with a proof that they hold it (DPoP, RFC 9449). Default `'optional'`:
   * a token that is bound is taken with its proof and never without, others are a bearer's.
   */
  readonly proof?: ProofDemand | undefined
  /** When requests are refused because this process has more to do than it can; false for never. */
  readonly shed?: ShedOptions | false | undefined
  /** What goes wrong on purpose, for a game day. Refused unless the mesh was made with `faultInjection: true`. Default: nothing. */
  readonly faults?: readonly FaultOptions[] | undefined
}

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
  const read = readOptions(options, '')
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

/** Tells the listeners why a request was refused, and the caller that it was; and has each request measured. */
function answerRefusals(host: InboundHost): Layer<Inbound, InboundReply> {
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
function tellAudit({ events }: InboundHost): (verdict: Verdict, inbound: Inbound, peer: Peer) => void {
  return ({ allowed, rule }, { method, target }, { principal }) => {
    events.emit('audited', { allowed, rule, method, path: redactTokens(rawPathOf(target)), peer: principal })
  }
}

/** Tells the listeners, and the trace, what went wrong on purpose. */
function tellFault({ events, tracing }: InboundHost): (fault: InjectedFault, inbound: Inbound) => void {
  return (fault, { method, target, peer }) => {
    events.emit('faultInjected', { ...fault, method, path: redactTokens(rawPathOf(target)), peer: peer?.service })
    faultOnSpan(tracing, fault.status === undefined ? 'delay' : 'abort')
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

const readOptions = fields<{
  policy?: PolicySource
  audience?: string
  exempt?: readonly string[]
  health?: HealthPaths | false
  loadReport?: boolean
  leewayMs?: number
  maxLifetimeMs?: number
  tls?: TlsMode
  proof?: ProofDemand
  shed?: ShedSettings | false
  faults?: readonly FaultOptions[]
}>({
  policy: policySource,
  audience: text,
  exempt: listOf(exactPath),
  health: readHealth,
  loadReport: flag,
  leewayMs: wholeNumber(0, 60_000),
  maxLifetimeMs: positiveMs,
  tls: tlsMode,
  proof: oneOf('required', 'optional'),
  shed: readShed,
  faults: readFaults,
})
