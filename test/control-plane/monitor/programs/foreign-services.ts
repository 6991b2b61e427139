/*
 * Two services without a mesh, in one process, that have their telemetry from OpenTelemetry's own parts: `shop` fetches from
 * `stock` so many times, and every tenth answer is a 503.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPMetricExporter as JsonMetrics } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtobufMetrics } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'

const [url, encoding, times] = process.argv.slice(2) as [string, string, string]
const [Traces, Metrics] = encoding === 'json' ? [JsonTraces, JsonMetrics] : [ProtobufTraces, ProtobufMetrics]

const resourceOf = (service: string) => resourceFromAttributes({ 'service.name': service })
const tracesOf = (service: string): BasicTracerProvider =>
  new BasicTracerProvider({ resource: resourceOf(service), spanProcessors: [new BatchSpanProcessor(new Traces({ url: `${url}/v1/traces` }))] })

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const shop = tracesOf('shop')
const stock = tracesOf('stock')
const exporter = new Metrics({ url: `${url}/v1/metrics` })
const meters = new MeterProvider({ resource: resourceOf('shop'), readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })] })
const instrumentation = new UndiciInstrumentation()
instrumentation.setTracerProvider(shop)
instrumentation.setMeterProvider(meters)
instrumentation.enable()

let answered = 0
function answer(request: IncomingMessage, response: ServerResponse): void {
  const parent = propagation.extract(ROOT_CONTEXT, request.headers)
  const span = stock.getTracer('by-hand').startSpan('GET /items/:id', { kind: SpanKind.SERVER, attributes: { 'http.request.method': 'GET', 'http.route': '/items/:id' } }, parent)
  const status = ++answered % 10 === 0 ? 503 : 200
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  response.writeHead(status).end()
  span.setAttribute('http.response.status_code', status).end()
}

const server = createServer(answer)
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
for (let i = 0; i < Number(times); i++) await (await fetch(`http://127.0.0.1:${port}/items/${i}`)).arrayBuffer()
await Promise.all([shop.forceFlush(), stock.forceFlush(), meters.forceFlush()])
process.stdout.write('sent\n', () => process.exit(0))
