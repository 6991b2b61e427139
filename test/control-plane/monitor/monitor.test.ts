import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { running, type Ask, type Received } from '../running.js'
import { metricRequest, START_NS, TRACE_ID, traceRequest } from './otlp-json.js'

const JSON_TYPE = { 'content-type': 'application/json' }

const post = (ask: Ask, path: string, body: string | Buffer, headers: Record<string, string> = JSON_TYPE): Promise<Received> =>
  ask(path, { method: 'POST', headers, body })
const send = (ask: Ask, path: string, request: object): Promise<Received> => post(ask, path, JSON.stringify(request))
const get = async (ask: Ask, path: string): Promise<unknown> => JSON.parse((await ask(path)).body)

/** One call of orders to users, with one attempt that failed before one that did not. */
async function aCall(ask: Ask): Promise<void> {
  const toUsers = { 'server.address': 'users', 'network.peer.address': '127.0.0.1' }
  const caller = traceRequest(
    'orders',
    { spanId: 'a000000000000001', name: 'GET /orders/:id', kind: 2, ms: 30 },
    { spanId: 'a000000000000002', parentSpanId: 'a000000000000001', name: 'mesh.call users', kind: 1, ms: 25 },
    { spanId: 'a000000000000003', parentSpanId: 'a000000000000002', ms: 4, failed: true, attributes: toUsers },
    { spanId: 'a000000000000004', parentSpanId: 'a000000000000002', ms: 20, attributes: toUsers },
  )
  const callee = traceRequest('users', { spanId: 'b000000000000001', parentSpanId: 'a000000000000004', kind: 2, ms: 15 })
  for (const request of [caller, callee]) {
    expect(await send(ask, '/v1/traces', request)).toMatchObject({ status: 200, body: '{}' })
  }
}

describe('the monitor', () => {
  it('draws the edges from the attempts, with their errors and percentiles', async () => {
    const { ask } = await running()
    await aCall(ask)
    const [edge, ...others] = (await get(ask, '/api/edges')) as Record<string, number>[]
    expect(others).toEqual([])
    expect(edge).toMatchObject({ caller: 'orders', callee: 'users', calls: 1, attempts: 2, count: 2, errors: 1, successRatio: 0.5 })
    expect(edge!['p50Ms']! / 4).toBeCloseTo(1, 1)
    expect(edge!['p99Ms']! / 20).toBeCloseTo(1, 1)
    expect(await get(ask, '/api/services')).toMatchObject([
      { service: 'orders', count: 1, errors: 0 },
      { service: 'users', count: 1, errors: 0 },
    ])
  })

  it('lists traces and shows one whole, across services', async () => {
    const { ask } = await running()
    await aCall(ask)
    const listed = await get(ask, '/api/traces')
    expect(listed).toMatchObject([
      { traceId: TRACE_ID, name: 'GET /orders/:id', service: 'orders', services: ['orders', 'users'], spans: 5, failed: false },
    ])
    expect(await get(ask, '/api/traces?service=users')).toEqual(listed)
    expect(await get(ask, '/api/traces?service=nobody')).toEqual([])
    const { spans } = (await get(ask, `/api/traces/${TRACE_ID}`)) as { spans: Record<string, unknown>[] }
    expect(spans.find(({ spanId }) => spanId === 'a000000000000003')).toEqual({
      traceId: TRACE_ID,
      spanId: 'a000000000000003',
      parentSpanId: 'a000000000000002',
      service: 'orders',
      name: 'GET',
      kind: 'client',
      startAt: Number(START_NS / 1000n) / 1000,
      durationMs: 4,
      failed: true,
      statusMessage: 'broken',
      attributes: { 'server.address': 'users', 'network.peer.address': '127.0.0.1' },
      events: [],
    })
    expect(await ask('/api/traces/00')).toMatchObject({ status: 404 })
  })

  it.each(['0', '501', '-1', 'x', '1.5', ''])('refuses the limit %j', async (limit) => {
    const { ask } = await running()
    expect(await ask(`/api/traces?limit=${limit}`)).toMatchObject({ status: 400 })
  })

  it('lists no more traces than asked for, the newest first', async () => {
    const { ask } = await running()
    const ids = [1, 2, 3].map((n) => String(n).repeat(32))
    for (const traceId of ids) await send(ask, '/v1/traces', traceRequest('users', { traceId, spanId: 'a000000000000001' }))
    expect(await get(ask, '/api/traces?limit=2')).toMatchObject([{ traceId: ids[2] }, { traceId: ids[1] }])
  })

  it('takes packed batches, and a batch that is sent again only once', async () => {
    const { ask } = await running()
    const batch = gzipSync(JSON.stringify(traceRequest('users', { spanId: 'a000000000000001', kind: 2 })))
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' }
    for (let i = 0; i < 2; i++) {
      expect(await post(ask, '/v1/traces', batch, headers)).toMatchObject({ status: 200, body: '{}' })
    }
    expect(await get(ask, '/api/services')).toMatchObject([{ service: 'users', count: 1 }])
  })

  it('takes what is right in a batch and says how much was wrong', async () => {
    const { ask } = await running()
    const untraced = { traceId: '0'.repeat(32), spanId: 'a000000000000002' }
    const request = traceRequest('users', { spanId: 'short' }, { spanId: 'a000000000000001' }, untraced)
    const { body } = await send(ask, '/v1/traces', request)
    expect(JSON.parse(body)).toEqual({ partialSuccess: { rejectedSpans: '2', errorMessage: 'spanId is not 16 hex digits' } })
    expect(await get(ask, '/api/traces')).toMatchObject([{ spans: 1 }])
  })

  it.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['plain text', 'x', { 'content-type': 'text/plain' }, 415, 'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json'],
    ['half JSON', '{"resourceSpans":[', JSON_TYPE, 400, 'the body is not JSON'],
    ['a list', '[]', JSON_TYPE, 400, 'the body is not a JSON object'],
    ['9 MiB', Buffer.alloc(9 * 1024 * 1024, ' '), JSON_TYPE, 413, 'the body is over'],
    ['a bomb', gzipSync(Buffer.alloc(50 * 1024 * 1024)), { ...JSON_TYPE, 'content-encoding': 'gzip' }, 413, 'the body is over'],
  ])('refuses %s, in the form that OTLP gives errors', async (_, body, headers, status, message) => {
    const { ask } = await running()
    for (const path of ['/v1/traces', '/v1/metrics']) {
      const received = await post(ask, path, body, headers)
      expect(received.status).toBe(status)
      expect(JSON.parse(received.body)).toEqual({ code: 3, message: expect.stringContaining(message) })
    }
  })

  it('keeps metrics as series: numbers and distributions', async () => {
    const { ask } = await running()
    const at = { timeUnixNano: String(START_NS) }
    const zone = [{ key: 'zone', value: { stringValue: 'a' } }]
    const distribution = { ...at, count: '3', sum: 0.6, bucketCounts: ['1', '2'], explicitBounds: [0.1] }
    const request = metricRequest(
      'users',
      { name: 'up', unit: '1', gauge: { dataPoints: [{ ...at, asInt: '1', attributes: zone }] } },
      { name: 'calls', sum: { dataPoints: [{ ...at, asDouble: 2.5 }, { ...at, asInt: 'many' }] } },
      { name: 'duration', unit: 's', histogram: { dataPoints: [distribution] } },
    )
    const { body } = await send(ask, '/v1/metrics', request)
    expect(JSON.parse(body)).toEqual({ partialSuccess: { rejectedDataPoints: '1', errorMessage: 'a point has no finite value' } })
    const startAt = Number(START_NS / 1000n) / 1000
    const value = { count: 3, sum: 0.6, buckets: [1, 2], bounds: [0.1] }
    expect(await get(ask, '/api/series')).toEqual([
      { service: 'users', metric: 'up', unit: '1', attributes: { zone: 'a' }, points: [{ at: startAt, value: 1 }] },
      { service: 'users', metric: 'calls', unit: '', attributes: {}, points: [{ at: startAt, value: 2.5 }] },
      { service: 'users', metric: 'duration', unit: 's', attributes: {}, points: [{ at: startAt, value }] },
    ])
    expect(await get(ask, '/api/series?metric=up')).toHaveLength(1)
    expect(await get(ask, '/api/series?metric=up&service=orders')).toEqual([])
  })
})
