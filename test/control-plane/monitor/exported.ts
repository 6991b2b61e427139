import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufMetrics } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AggregationType, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'

/** The same spans and metrics as OpenTelemetry's own exporters write them in both encodings. */
export interface Exported {
  readonly traces: { readonly json: Buffer; readonly protobuf: Buffer }
  readonly metrics: { readonly json: Buffer; readonly protobuf: Buffer }
}

export async function exported(): Promise<Exported> {
  const bodies: Buffer[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks))
      response.end()
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const spans = someSpans()
  const metrics = await someMetrics()
  for (const exporter of [new JsonTraces({ url }), new ProtobufTraces({ url })]) {
    await new Promise((resolve) => exporter.export(spans, resolve))
    await exporter.shutdown()
  }
  for (const exporter of [new JsonMetrics({ url }), new ProtobufMetrics({ url })]) {
    await new Promise((resolve) => exporter.export(metrics, resolve))
    await exporter.shutdown()
  }
  server.close()
  server.closeAllConnections()
  const [jsonTraces, protobufTraces, jsonMetrics, protobufMetrics] = bodies as [Buffer, Buffer, Buffer, Buffer]
  return { traces: { json: jsonTraces, protobuf: protobufTraces }, metrics: { json: jsonMetrics, protobuf: protobufMetrics } }
}

const resource = resourceFromAttributes({ 'service.name': 'shöp', 'service.version': '1.2' })

function someSpans(): ReadableSpan[] {
  const kept = new InMemorySpanExporter()
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(kept)] }).getTracer('shop', '3')
  const attributes = { text: 'grün'.repeat(20), flag: true, off: false, whole: 42, negative: -7, large: 2 ** 52, half: 0.5, list: ['a', 'b'], empty: '' }
  const root = tracer.startSpan('GET /orders/:id', { kind: SpanKind.SERVER, attributes })
  const child = tracer.startSpan('GET', { kind: SpanKind.CLIENT, attributes: { 'server.address': 'users', 'server.port': 8080 } }, trace.setSpan(ROOT_CONTEXT, root))
  child.addEvent('retry', { attempt: 2 })
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'broken' }).end()
  root.end()
  return kept.getFinishedSpans()
}

async function someMetrics(): Promise<ResourceMetrics> {
  const exporter = new InMemoryMetricExporter(1)
  const views = [{ instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const }]
  const provider = new MeterProvider({ resource, views, readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })] })
  const meter = provider.getMeter('shop')
  meter.createCounter('calls', { unit: '{call}' }).add(3, { peer: 'users' })
  meter.createUpDownCounter('balance').add(-5)
  meter.createGauge('load').record(0.25)
  for (const name of ['duration', 'exponential']) for (const seconds of [0.001, 0.02, 0.3]) meter.createHistogram(name, { unit: 's', advice: { explicitBucketBoundaries: [0.01, 0.1] } }).record(seconds)
  await provider.forceFlush()
  const [metrics] = exporter.getMetrics()
  await provider.shutdown()
  return metrics!
}
