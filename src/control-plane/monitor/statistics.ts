import type { Span } from './span.js'

/** How the calls of one kind went. */
export interface Statistics {
  readonly count: number
  readonly errors: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface ServiceStatistics extends Statistics {
  readonly service: string
  /** When its last span ended, in milliseconds since the Unix epoch. */
  readonly lastSeenAt: number
}

export interface EdgeStatistics extends Statistics {
  readonly caller: string
  readonly callee: string
}

/** What each service that sent spans answered, from its SERVER spans. */
export function serviceStatistics(spans: Iterable<Span>): readonly ServiceStatistics[] {
  const services = new Map<string, { served: Span[]; lastSeenAt: number }>()
  for (const span of spans) {
    const entry = services.get(span.service) ?? { served: [], lastSeenAt: 0 }
    services.set(span.service, entry)
    entry.lastSeenAt = Math.max(entry.lastSeenAt, span.startAt + span.durationMs)
    if (span.kind === 'server') entry.served.push(span)
  }
  return [...services].map(([service, { served, lastSeenAt }]) => ({ service, ...summarize(served), lastSeenAt }))
}

/** Who tried whom, from CLIENT spans: every attempt counts. */
export function edgeStatistics(spans: Iterable<Span>): readonly EdgeStatistics[] {
  const edges = new Map<string, { caller: string; callee: string; attempts: Span[] }>()
  for (const span of spans) {
    const callee = span.attributes['service.peer.name'] ?? span.attributes['server.address']
    if (span.kind !== 'client' || typeof callee !== 'string') continue
    const key = JSON.stringify([span.service, callee])
    const edge = edges.get(key) ?? { caller: span.service, callee, attempts: [] }
    edges.set(key, edge)
    edge.attempts.push(span)
  }
  return [...edges.values()].map(({ caller, callee, attempts }) => ({ caller, callee, ...summarize(attempts) }))
}

function summarize(spans: readonly Span[]): Statistics {
  const durations = spans.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  return {
    count: spans.length,
    errors: spans.filter(({ failed }) => failed).length,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
  }
}

/** Nearest rank; 0 for none. */
function percentile(sorted: readonly number[], ratio: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * ratio) - 1)] ?? 0
}
