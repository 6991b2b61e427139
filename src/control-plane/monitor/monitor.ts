import type { Clock } from '../../base/clock.js'
import type { Tapped } from '../../call/tapped.js'
import type { Catalog } from '../registry/catalog.js'
import type { DenialRow, EdgeRow, InstanceRow, Memory, ServiceRow } from './answers.js'
import { Denials, isDenial } from './denials.js'
import { Edges } from './edges.js'
import { Instances } from './instances.js'
import { Names } from './names.js'
import type { Point } from './read-points.js'
import { Registered } from './registered.js'
import { SeriesStore } from './series.js'
import { Services } from './services.js'
import { attemptOf, callOf, requestOf, type Attempt } from './span-facts.js'
import type { Span } from './span.js'
import { Tap } from './tap.js'
import type { Window } from './tally.js'
import { Traces } from './traces.js'

/** The most of each that statistics are kept of; docs/monitoring.md says what that takes. */
const MAX_SERVICES = 500
const MAX_EDGES = 1_000
const MAX_INSTANCES = 1_000
const MAX_DENIALS = 1_000

/**
 * What is known from the spans and metrics that came in. Each span is counted once, as it comes, by the second in which it
 * ended; so that an answer costs the same however many came, and holds for ten minutes however few are kept.
 */
export class Monitor {
  readonly traces = new Traces()
  readonly series = new SeriesStore()
  readonly tap: Tap
  readonly #clock: Clock
  readonly #registered: Registered
  readonly #services = new Services(MAX_SERVICES)
  readonly #edges = new Edges(MAX_EDGES)
  readonly #instances: Instances
  readonly #denials = new Denials(MAX_DENIALS)
  readonly #names: Names

  constructor(catalog: Catalog, clock: Clock) {
    this.#clock = clock
    this.tap = new Tap(clock)
    this.#registered = new Registered(catalog)
    this.#instances = new Instances(MAX_INSTANCES, this.#registered)
    this.#names = new Names(this.#registered, (name) => this.#services.has(name) || this.#registered.hasHad(name))
  }

  get now(): number {
    return this.#clock.epochMs()
  }

  takeSpan(span: Span): void {
    if (!this.traces.add(span)) return
    const now = this.#clock.epochMs()
    // A clock that is ahead of ours must not hide what it has seen until then.
    const at = Math.min(span.startAt + span.durationMs, now)
    this.#services.seen(span.service, at, now)
    this.#takeAttempt(span, at, now)
    this.#takeRequest(span, at, now)
    const call = callOf(span, at)
    if (call !== undefined) this.#edges.called(call, now)
  }

  /** False when the point is not kept, because there are too many series. */
  takePoint(point: Point): boolean {
    return this.series.add(point)
  }

  services(window: Window): readonly ServiceRow[] {
    return this.#services.list(window, this.#instances.counts(window, this.#names), this.#registered.names())
  }

  edges(window: Window): readonly EdgeRow[] {
    return this.#edges.list(window, this.#names)
  }

  instances(window: Window, service: string | null): readonly InstanceRow[] {
    return this.#instances.list(window, this.#names, service ?? undefined)
  }

  denials(window: Window, service: string | null, limit: number): readonly DenialRow[] {
    return this.#denials.list(window, service, limit)
  }

  memory(): Memory {
    const kept = [this.#services, this.#edges, this.#instances]
    return {
      spans: this.traces.spanCount,
      traces: this.traces.size,
      spanBytes: this.traces.bytes,
      maxSpanBytes: this.traces.maxBytes,
      series: this.series.size,
      maxSeries: this.series.maxSeries,
      seriesBytes: this.series.bytes,
      maxSeriesBytes: this.series.maxBytes,
      statistics: kept.reduce((sum, { size }) => sum + size, 0),
      maxStatistics: MAX_SERVICES + MAX_EDGES + MAX_INSTANCES,
      statisticsBytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  #takeAttempt(span: Span, at: number, now: number): void {
    const attempt = attemptOf(span, at)
    if (attempt === undefined) return
    if (!attempt.isNamed && !this.#names.knows(attempt.callee)) this.#learnFromChild(span, attempt)
    this.#edges.attempted(attempt, now)
    this.#instances.attempted(attempt, now)
    if (this.tap.isWatched) this.tap.show(tappedAttempt(attempt, this.#names.of(attempt), span.traceId))
  }

  #takeRequest(span: Span, at: number, now: number): void {
    const request = requestOf(span, at)
    if (request === undefined) return
    this.#services.answered(request, now)
    if (request.peer !== null) this.#edges.verified(request.peer, request.service, at, now)
    if (isDenial(request)) this.#denials.add(request, span.traceId)
    this.#learnFromParent(span)
    if (!this.tap.isWatched) return
    const { peer, service, method, route, status, durationMs, error } = request
    const shown: Tapped = { at, kind: 'request', caller: peer, callee: service, instance: null, method, route, status, durationMs, error, resends: 0, hedge: false, traceId: span.traceId }
    this.tap.show(shown)
  }

  /** The callee's span may come before its client's. */
  #learnFromChild({ traceId, spanId }: Span, { callee }: Attempt): void {
    for (const span of this.traces.trace(traceId)?.values() ?? []) {
      if (span.kind === 'server' && span.parentSpanId === spanId) return this.#names.learn(callee, span.service)
    }
  }

  #learnFromParent({ traceId, parentSpanId, service }: Span): void {
    const parent = parentSpanId === undefined ? undefined : this.traces.trace(traceId)?.get(parentSpanId)
    const attempt = parent === undefined ? undefined : attemptOf(parent, 0)
    if (attempt !== undefined && !attempt.isNamed) this.#names.learn(attempt.callee, service)
  }
}

function tappedAttempt(attempt: Attempt, callee: string, traceId: string): Tapped {
  const { at, caller, instance, address, method, route, status, durationMs, error, resends, hedge } = attempt
  return { at, kind: 'attempt', caller, callee, instance: instance ?? address ?? null, method, route, status, durationMs, error, resends, hedge, traceId }
}
