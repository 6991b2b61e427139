/*
 * What the monitor costs: CPU for each span that comes, in both encodings; for each answer, while it is full; and memory. Spans as
 * a mesh of ten services with four instances each sends them.
 * Usage: node --expose-gc --import tsx bench/monitor.ts
 */
import { ROOT_CONTEXT, SpanKind, trace, type Attributes } from '@opentelemetry/api'
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufTraces } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base'
import { systemClock } from '../src/base/clock.js'
import { Monitor } from '../src/control-plane/monitor/monitor.js'
import { encodingOf } from '../src/control-plane/monitor/otlp-encoding.js'
import { traceRequest } from '../src/control-plane/monitor/otlp-schema.js'
import { readSpans } from '../src/control-plane/monitor/read-spans.js'
import { Catalog } from '../src/control-plane/registry/catalog.js'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const BATCH = 512
const BATCHES = 40
const SERVICES = 10

/** One call of one service to another: the span of the call, of its attempt, and of the request. */
function spansOf(caller: number): ReadableSpan[] {
  const kept = new InMemorySpanExporter()
  const resource = resourceFromAttributes({ 'service.name': `service-${caller}`, 'service.version': '1.0.0' })
  const tracer = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(kept)] }).getTracer('sidecarless')
  for (let i = 0; kept.getFinishedSpans().length < BATCH; i++) {
    const callee = `service-${(caller + 1 + (i % 3)) % SERVICES}`
    const endpoint = i % 4
    const request: Attributes = { 'http.request.method': 'GET', 'url.scheme': 'http', 'url.path': `/users/${i}`, 'network.peer.address': '127.0.0.1', 'client.address': '127.0.0.1', 'user_agent.original': 'sidecarless', 'mesh.peer.service': 'web', 'http.route': '/users/:id', 'http.response.status_code': 200 }
    const attempt: Attributes = { 'http.request.method': 'GET', 'server.address': callee, 'server.port': 80, 'url.full': `http://${callee}/users/${i}`, 'service.peer.name': callee, 'network.peer.address': '127.0.0.1', 'network.peer.port': 8000 + endpoint, 'mesh.endpoint.id': `${callee}-${endpoint}`, 'http.response.status_code': 200, 'mesh.pick.candidates': 4, 'mesh.pick.excluded': 0, 'mesh.pick.cost_ms': 1.25, 'mesh.pick.latency_ms': 1.1, 'mesh.pick.success_ratio': 1, 'mesh.pick.in_flight': 2, 'mesh.pick.weight': 1 }
    const root = tracer.startSpan('GET /users/:id', { kind: SpanKind.SERVER, attributes: request })
    const call = tracer.startSpan(`mesh.call ${callee}`, { attributes: { 'service.peer.name': callee, 'mesh.attempts': 1 } }, trace.setSpan(ROOT_CONTEXT, root))
    tracer.startSpan('GET', { kind: SpanKind.CLIENT, attributes: attempt }, trace.setSpan(ROOT_CONTEXT, call)).end()
    call.end()
    root.end()
  }
  return kept.getFinishedSpans().slice(0, BATCH)
}

const bodies: Buffer[] = []
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
    bodies.push(Buffer.concat(chunks))
    response.end()
  })
})
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const batches = Array.from({ length: BATCHES }, (_, i) => spansOf(i % SERVICES))
for (const exporter of [new JsonTraces({ url }), new ProtobufTraces({ url })]) for (const batch of batches) await new Promise((resolve) => exporter.export(batch, resolve))
server.close().closeAllConnections()

function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

for (const [type, from] of [['application/json', 0], ['application/x-protobuf', BATCHES]] as const) {
  const encoding = encodingOf(type)
  for (const round of ['cold', 'warm']) {
    const monitor = new Monitor(new Catalog(systemClock), systemClock)
    const spent = cpuMs(() => {
      for (const body of bodies.slice(from, from + BATCHES)) for (const span of readSpans(encoding.read(body, traceRequest)).taken) monitor.takeSpan(span)
    })
    const perSpan = (spent * 1_000) / (BATCH * BATCHES)
    console.log(`${type} ${round}: ${perSpan.toFixed(1)} µs of CPU a span, ${((perSpan * 2_000) / 10_000).toFixed(1)} % of a core at 2000 spans/s; ${(bodies[from]!.length / BATCH).toFixed(0)} bytes a span`)
  }
}

const gc = globalThis.gc
gc?.()
const heapBefore = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
const monitor = new Monitor(new Catalog(systemClock), systemClock)
const encoding = encodingOf('application/x-protobuf')
let ids = 0
while (monitor.memory().spanBytes < monitor.memory().maxSpanBytes * 0.98) {
  for (const body of bodies.slice(BATCHES)) {
    for (const span of readSpans(encoding.read(body, traceRequest)).taken) monitor.takeSpan({ ...span, traceId: `${span.traceId}${ids}` })
    ids++
  }
}
gc?.()
const heap = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers - heapBefore
const { spans, spanBytes, statisticsBytes } = monitor.memory()
console.log(`full: ${spans} spans, said to take ${(spanBytes / 2 ** 20).toFixed(1)} MiB, and ${(statisticsBytes / 2 ** 20).toFixed(1)} MiB of statistics; heap and buffers grew by ${(heap / 2 ** 20).toFixed(1)} MiB`)
for (const windowSec of [60, 600]) {
  const window = { now: systemClock.epochMs(), windowSec }
  for (const [name, ask] of [['services', () => monitor.services(window)], ['edges', () => monitor.edges(window)], ['instances', () => monitor.instances(window, null)]] as const) {
    ask()
    const spent = cpuMs(() => {
      for (let i = 0; i < 20; i++) JSON.stringify(ask())
    })
    console.log(`/api/${name}?windowSec=${windowSec}: ${(spent / 20).toFixed(2)} ms of CPU for ${(ask() as object[]).length}`)
  }
}
