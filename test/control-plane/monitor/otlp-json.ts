export type SentAttributes = Readonly<Record<string, string | number | boolean>>

/** A span as OTLP/HTTP JSON carries it. */
export interface SentSpan {
  readonly traceId?: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name?: string
  readonly kind?: number
  readonly ms?: number
  readonly failed?: boolean
  readonly attributes?: SentAttributes
  /** When it ended, in milliseconds since the Unix epoch; far in the future by default. */
  readonly endAt?: number
}

export const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
export const START_NS = 1_800_000_000_123_456_789n

/** An ExportTraceServiceRequest of one service. */
export function traceRequest(service: string, ...spans: readonly SentSpan[]): object {
  return { resourceSpans: [{ resource: resourceOf(service), scopeSpans: [{ spans: spans.map(spanJson) }] }] }
}

/** An ExportMetricsServiceRequest of one service. */
export function metricRequest(service: string, ...metrics: readonly object[]): object {
  return { resourceMetrics: [{ resource: resourceOf(service), scopeMetrics: [{ metrics }] }] }
}

export function spanJson(span: SentSpan): object {
  const { traceId = TRACE_ID, spanId, parentSpanId, name = 'GET', kind = 3, ms = 10, failed = false, attributes = {}, endAt } = span
  const durationNs = BigInt(Math.round(ms * 1e6))
  const startNs = endAt === undefined ? START_NS : BigInt(endAt) * 1_000_000n - durationNs
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + durationNs),
    attributes: attributeList(attributes),
    status: failed ? { code: 2, message: 'broken' } : {},
  }
}

function resourceOf(service: string): object {
  return { attributes: attributeList({ 'service.name': service }) }
}

function attributeList(attributes: SentAttributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }))
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}
