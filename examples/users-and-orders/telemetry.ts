import { context, propagation, trace, type Attributes, type HrTime } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base'

/**
 * Registers an OpenTelemetry SDK that sends the spans of this process to a collector. sidecarless makes spans as soon as
 * an SDK is registered, whichever one it is; a real service would use `@opentelemetry/sdk-node`.
 */
export function startTelemetry(service: string, collectorUrl: string): { shutdown(): Promise<void> } {
  const exporter = jsonExporter(service, `${collectorUrl}/v1/traces`)
  const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500 })] })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  return provider
}

// ExportResultCode of @opentelemetry/core.
const SUCCESS = 0
const FAILED = 1

/** OTLP over HTTP as JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
function jsonExporter(service: string, url: string): SpanExporter {
  return {
    export(spans, done) {
      const resource = { attributes: keyValues({ 'service.name': service }) }
      const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: spans.map(otlpSpan) }] }] })
      fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: AbortSignal.timeout(2_000) })
        .then(({ ok }) => done({ code: ok ? SUCCESS : FAILED }))
        .catch((error: Error) => done({ code: FAILED, error }))
    },
    shutdown: async () => {},
  }
}

function otlpSpan(span: ReadableSpan): object {
  const { traceId, spanId } = span.spanContext()
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    // OTLP counts kinds from 1, the API from 0.
    kind: span.kind + 1,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: keyValues(span.attributes),
    status: span.status,
  }
}

function nanoseconds([seconds, nanos]: HrTime): string {
  return `${seconds}${String(nanos).padStart(9, '0')}`
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { doubleValue: value } : { stringValue: String(value) },
  }))
}
