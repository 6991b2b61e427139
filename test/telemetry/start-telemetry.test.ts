import { metrics, trace } from '@opentelemetry/api'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { memory } from '../../src/discovery/memory.js'
import { createMesh } from '../../src/mesh.js'
import { startTelemetry, type Telemetry } from '../../src/otel.js'
import { allOrMissing } from '../../src/telemetry/sdk-packages.js'

const closers: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Export {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function collector(): Promise<{ readonly url: string; readonly exports: Export[] }> {
  const exports: Export[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      exports.push({ path: request.url!, headers: request.headers, body })
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  return { url: await listen(server), exports }
}

async function started(options: Parameters<typeof startTelemetry>[0]): Promise<Telemetry> {
  const telemetry = await startTelemetry(options)
  closers.push(() => telemetry.shutdown())
  return telemetry
}

describe('startTelemetry', () => {
  it('sends the spans and the metrics of a mesh, with the name of the service', async () => {
    const { url, exports } = await collector()
    const address = await listen(createServer((_, response) => void response.end('Ada')))
    const telemetry = await started({ service: 'orders', endpoint: `${url}/`, headers: { 'x-key': 'k' }, attributes: { 'service.version': '7' } })
    const registry = memory()
    registry.set('users', [address.slice('http://'.length)])
    const mesh = createMesh({ service: 'orders', registry })
    closers.push(() => mesh.close())
    await (await mesh.service('users').get('/users/{id}', { params: { id: 1 } })).text()
    await telemetry.shutdown()
    expect(exports.map(({ path }) => path).sort()).toEqual(['/v1/metrics', '/v1/traces'])
    for (const { headers, body } of exports) {
      expect(headers).toMatchObject({ 'x-key': 'k', 'content-type': 'application/json' })
      expect(body).toContain('{"key":"service.name","value":{"stringValue":"orders"}}')
      expect(body).toContain('{"key":"service.version","value":{"stringValue":"7"}}')
    }
    const [spans, points] = ['/v1/traces', '/v1/metrics'].map((of) => exports.find(({ path }) => path === of)!.body)
    for (const said of ['"mesh.call users"', '"GET /users/{id}"', '"mesh.pick.candidates"', '"mesh.pick.cost_ms"']) expect(spans).toContain(said)
    for (const said of ['"http.client.request.duration"', '"mesh.calls"', '"mesh.endpoint.latency"']) expect(points).toContain(said)
  })

  it('takes nothing from an application that has an SDK of its own', async () => {
    const { url } = await collector()
    await started({ service: 'orders', endpoint: url })
    const [spans, meters] = [trace.getTracerProvider(), metrics.getMeterProvider()]
    await expect(startTelemetry({ service: 'orders', endpoint: url })).rejects.toMatchObject({ code: 'MESH_ERR_OPTION' })
    expect([trace.getTracerProvider(), metrics.getMeterProvider()]).toEqual([spans, meters])
  })

  it('refuses bad options with their path, and starts nothing', async () => {
    await expect(startTelemetry({ service: 'orders', endpoint: 'collector:4318' })).rejects.toThrow(/^endpoint: expected an http:/)
    await expect(startTelemetry({ service: 'orders', sampleRatio: 2 })).rejects.toThrow(/^sampleRatio: /)
    await expect(startTelemetry({} as never)).rejects.toThrow(/^service: /)
  })

  it('names every package that is missing', async () => {
    const missing = (name: string): readonly [string, Promise<object>] => [name, Promise.reject(new Error(`Cannot find package '${name}'`))]
    const loading = allOrMissing([missing('@opentelemetry/core'), ['there', Promise.resolve({})], missing('@opentelemetry/resources')])
    await expect(loading).rejects.toMatchObject({
      code: 'MESH_ERR_OPTION',
      message: 'startTelemetry needs packages that cannot be loaded: npm install @opentelemetry/core @opentelemetry/resources',
    })
  })

  it('ends although the collector never answers', async () => {
    const url = await listen(createServer(() => {}))
    const telemetry = await started({ service: 'orders', endpoint: url })
    trace.getTracer('test').startSpan('lost').end()
    const startedAt = performance.now()
    await telemetry.shutdown()
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })
})
