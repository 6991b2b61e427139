/** A span as OTLP/HTTP JSON carries it. */
export interface SentSpan {
  readonly traceId?: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name?: string
  readonly kind?: number
  readonly ms?: number
  readonly failed?: boolean
  readonly attributes?: Readonly<Record<string, string>>
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
  const { traceId = TRACE_ID, spanId, parentSpanId, name = 'GET', kind = 3, ms = 10, failed = false, attributes = {} } = span
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind,
    startTimeUnixNano: String(START_NS),
    endTimeUnixNano: String(START_NS + BigInt(Math.round(ms * 1e6))),
    attributes: attributeList(attributes),
    status: failed ? { code: 2, message: 'broken' } : {},
  }
}

function resourceOf(service: string): object {
  return { attributes: attributeList({ 'service.name': service }) }
}

function attributeList(attributes: Readonly<Record<string, string>>): object[] {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))
}
