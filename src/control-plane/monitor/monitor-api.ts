import { json, Refusal } from '../http/answer.js'
import type { Route } from '../http/route.js'
import type { Series, SeriesStore } from './series.js'
import type { Span } from './span.js'
import { edgeStatistics, serviceStatistics } from './statistics.js'
import type { Traces } from './traces.js'

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 500

/** Answers questions about what was received: who there is, who calls whom, and single traces. */
export function monitorRoutes(traces: Traces, series: SeriesStore): readonly Route[] {
  const get = (path: string, handle: Route['handle']): Route => ({ methods: ['GET'], path, handle })
  return [
    get('/api/services', () => json(serviceStatistics(traces.spans()))),
    get('/api/edges', () => json(edgeStatistics(traces.spans()))),
    get('/api/traces', ({ query }) => json(newest(traces, query.get('service'), readLimit(query)))),
    get('/api/traces/*', ({ rest }) => {
      const spans = traces.trace(rest)
      if (spans === undefined) throw new Refusal(404, `no trace ${rest} is kept; it never came, or it was too long ago`)
      return json({ traceId: rest, spans })
    }),
    get('/api/series', ({ query }) => {
      const has = (name: 'service' | 'metric') => (one: Series) => [null, one[name]].includes(query.get(name))
      return json([...series.all()].filter(has('service')).filter(has('metric')))
    }),
  ]
}

function newest(traces: Traces, service: string | null, limit: number): object[] {
  const found: object[] = []
  for (const traceId of traces.newest()) {
    if (found.length === limit) break
    const spans = traces.trace(traceId) ?? []
    if (service === null || spans.some((span) => span.service === service)) found.push(summary(traceId, spans))
  }
  return found
}

function summary(traceId: string, spans: readonly Span[]): object {
  const root = spans.find(({ parentSpanId }) => parentSpanId === undefined) ?? spans[0]!
  const startAt = Math.min(...spans.map((span) => span.startAt))
  const endAt = Math.max(...spans.map((span) => span.startAt + span.durationMs))
  return {
    traceId,
    name: root.name,
    service: root.service,
    services: [...new Set(spans.map((span) => span.service))],
    spans: spans.length,
    failed: root.failed,
    startAt,
    durationMs: endAt - startAt,
  }
}

function readLimit(query: URLSearchParams): number {
  const text = query.get('limit') ?? String(DEFAULT_LIMIT)
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new Refusal(400, `limit: expected a whole number from 1 to ${MAX_LIMIT}`)
}
