import type { TraceRow } from './answers.js'
import { flag } from './span-facts.js'
import type { Span } from './span.js'
import type { Traces } from './traces.js'

export interface TraceFilter {
  readonly service: string | null
  readonly failedOnly: boolean
  readonly minMs: number
  /** Began at this time or later. */
  readonly from: number
  readonly limit: number
}

/** The traces that are wanted, the one that began to arrive last first. */
export function listTraces(traces: Traces, filter: TraceFilter): readonly TraceRow[] {
  const found: TraceRow[] = []
  for (const traceId of traces.newest()) {
    if (found.length === filter.limit) break
    const spans = traces.trace(traceId)
    if (spans === undefined || !isOf(spans, filter.service)) continue
    const summary = summaryOf(traceId, spans)
    if (summary.startAt >= filter.from && summary.durationMs >= filter.minMs && (summary.failed || !filter.failedOnly)) found.push(summary)
  }
  return found
}

function isOf(spans: ReadonlyMap<string, Span>, service: string | null): boolean {
  if (service === null) return true
  for (const span of spans.values()) if (span.service === service) return true
  return false
}

function summaryOf(traceId: string, spans: ReadonlyMap<string, Span>): TraceRow {
  let root: Span | undefined
  let first: Span | undefined
  let endAt = 0
  let attempts = 0
  let retries = 0
  let hedges = 0
  const services = new Set<string>()
  for (const span of spans.values()) {
    if (span.parentSpanId === undefined) root ??= span
    if (first === undefined || span.startAt < first.startAt) first = span
    endAt = Math.max(endAt, span.startAt + span.durationMs)
    services.add(span.service)
    if (span.kind !== 'client') continue
    attempts++
    if (Number(span.attributes['http.request.resend_count'] ?? 0) > 0) retries++
    if (flag(span.attributes, 'mesh.hedge')) hedges++
  }
  const { name, service, failed } = root ?? first!
  const { startAt } = first!
  const durationMs = endAt - startAt
  return { traceId, name, service, services: [...services], spans: spans.size, failed, startAt, durationMs, attempts, retries, hedges }
}
