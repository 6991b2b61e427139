import { isObject, Malformed, milliseconds, nanoseconds, objectsIn } from './otlp.js'
import { readAttributes, readEach, serviceOf, textOr, type Batch, type JsonObject } from './otlp.js'
import type { Span, SpanKind } from './span.js'

const KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUS_ERROR = 2

/**
 * Reads an ExportTraceServiceRequest in its JSON form.
 * Source: {@link https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding | OTLP, JSON Protobuf Encoding}.
 */
export function readSpans(request: JsonObject): Batch<Span> {
  return readEach(spansIn(request))
}

function* spansIn(request: JsonObject): Iterable<() => Span> {
  for (const { resource, scopeSpans } of objectsIn(request['resourceSpans'])) {
    const service = serviceOf(resource)
    for (const { spans } of objectsIn(scopeSpans)) {
      for (const span of objectsIn(spans)) yield () => readSpan(span, service)
    }
  }
}

function readSpan(span: JsonObject, service: string): Span {
  const startNs = nanoseconds(span['startTimeUnixNano'], 'startTimeUnixNano')
  const endNs = nanoseconds(span['endTimeUnixNano'], 'endTimeUnixNano')
  const parent = span['parentSpanId']
  const status = isObject(span['status']) ? span['status'] : {}
  return {
    traceId: hexId(span['traceId'], 32, 'traceId'),
    spanId: hexId(span['spanId'], 16, 'spanId'),
    parentSpanId: parent === undefined || parent === '' ? undefined : hexId(parent, 16, 'parentSpanId'),
    service,
    name: textOr(span['name'], ''),
    kind: KINDS[Number(span['kind'] ?? 0)] ?? 'unspecified',
    startAt: milliseconds(startNs),
    durationMs: Math.max(0, Number(endNs - startNs) / 1e6),
    failed: status['code'] === STATUS_ERROR,
    statusMessage: textOr(status['message'], ''),
    attributes: readAttributes(span['attributes']),
    events: objectsIn(span['events']).map((event) => ({
      name: textOr(event['name'], ''),
      at: milliseconds(nanoseconds(event['timeUnixNano'], 'timeUnixNano')),
      attributes: readAttributes(event['attributes']),
    })),
  }
}

function hexId(value: unknown, digits: number, name: string): string {
  const isId = typeof value === 'string' && value.length === digits && /^[\da-f]+$/i.test(value) && !/^0+$/.test(value)
  if (!isId) throw new Malformed(`${name} is not ${digits} hex digits`)
  return value.toLowerCase()
}
