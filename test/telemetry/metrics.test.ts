import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { Events } from '../../src/call/events.js'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import type { Layer } from '../../src/call/layer.js'
import { MeshError } from '../../src/base/errors.js'
import { Refusal } from '../../src/call/refusal.js'
import { measure } from '../../src/balancer/measure.js'
import { Node } from '../../src/balancer/node.js'
import { attemptMeter } from '../../src/telemetry/attempt-metrics.js'
import { callMetrics } from '../../src/telemetry/call-metrics.js'
import { countEvents } from '../../src/telemetry/event-metrics.js'
import { Metrics } from '../../src/telemetry/metrics.js'
import { prometheusText } from '../../src/telemetry/prometheus.js'
import { peerMetrics, requestMeter } from '../../src/telemetry/request-metrics.js'
import { MAX_SERIES } from '../../src/telemetry/series.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { fleetOn } from '../balancer/support.js'
import { FakeClock } from '../support/fake-clock.js'
import { attempt, call, endpoint, inbound, openReply, reply } from './nouns.js'

function scene() {
  const clock = new FakeClock()
  const events = new Events()
  const tracing = new Tracing('0.0.0')
  const metrics = new Metrics({ version: '0.0.0', observe: () => [] })
  countEvents(events, metrics)
  const text = (): string => prometheusText(metrics.collect(), 'orders')
  return { clock, events, tracing, metrics, text, options: { clock, events, tracing, metrics } }
}

/** Samples of one metric, as they stand in the text. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

function seriesCount(text: string): number {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
}

/** The stages as they stand in the stacks, with the measuring that they hand on. */
function attemptLayer(options: ReturnType<typeof scene>['options']) {
  const node = new Node(endpoint(), () => ({ handle: () => Promise.reject(new Error('not sent')), close: async () => {} }))
  return measure(node, fleetOn(options.clock), attemptMeter(options))
}

function requestLayer(options: ReturnType<typeof scene>['options']): Layer<Inbound, InboundReply> {
  const meter = requestMeter(options)
  return (next) => async (of) => {
    try {
      const reply = await next(of)
      meter(of, 0, { status: reply.status, reply })
      return reply
    } catch (error) {
      const { status, code, peer } = error as Refusal
      meter(of, 0, { status, code, peer })
      throw error
    }
  }
}

const answered: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }
const peerOf = (service: string) => ({ service, principal: service, issuer: 'i', claims: {} })

describe('metrics', () => {
  it('have a 0 of what is told once, so that Prometheus sees the first 1 as an increase', () => {
    const { events, text } = scene()
    const once = (): string[] => ['mesh_identity_errors_total', 'mesh_tls_errors_total', 'mesh_policy_changes_total'].flatMap((name) => samples(text(), name))
    expect(once()).toEqual([
      'mesh_identity_errors_total 0',
      'mesh_tls_errors_total 0',
      'mesh_policy_changes_total{mesh_policy_result="replaced"} 0',
      'mesh_policy_changes_total{mesh_policy_result="refused"} 0',
    ])
    events.emit('tlsError', { error: new Error('no key') })
    events.emit('policyRefused', { reason: 'no policy' })
    expect(once()).toContain('mesh_tls_errors_total 1')
    expect(once()).toContain('mesh_policy_changes_total{mesh_policy_result="refused"} 1')
  })

  it('measures an attempt until its body has ended, into the buckets that the conventions advise', async () => {
    const { clock, options, text } = scene()
    const answer = openReply(200)
    await attemptLayer(options)(async () => answer)(attempt())
    await clock.advance(30)
    expect(samples(text(), 'http_client_request_duration_seconds_count')).toEqual([])
    answer.flow.end({})
    await answer.done
    const labels = 'http_request_method="GET",server_address="users",server_port="80",http_response_status_code="200"'
    const lines = text()
    expect(lines).toContain(`http_client_request_duration_seconds_bucket{${labels},le="0.025"} 0\n`)
    expect(lines).toContain(`http_client_request_duration_seconds_bucket{${labels},le="0.05"} 1\n`)
    expect(lines).toContain(`http_client_request_duration_seconds_bucket{${labels},le="+Inf"} 1\n`)
    expect(lines).toContain(`http_client_request_duration_seconds_sum{${labels}} 0.03\n`)
    expect(lines).toContain(`http_client_request_duration_seconds_count{${labels}} 1\n`)
  })

  it('tells failures of attempts apart by status or code, and calls what was given up no error', async () => {
    const { options, text } = scene()
    const layer = attemptLayer(options)
    await layer(async () => reply(503))(attempt())
    for (const code of ['MESH_ERR_CONNECT', 'MESH_ERR_ABORTED'] as const) {
      await expect(layer(() => Promise.reject(new MeshError(code, 'no')))(attempt())).rejects.toThrow()
    }
    const kinds = samples(text(), 'http_client_request_duration_seconds_count').map((line) => /(?:server_port="80",?)(.*)}/.exec(line)![1])
    expect(kinds).toEqual(['http_response_status_code="503",error_type="503"', 'error_type="MESH_ERR_CONNECT"', ''])
  })

  it('counts each call once, as its caller sees it', async () => {
    const { metrics, text } = scene()
    const layer = callMetrics(metrics, 'users')
    await layer(async () => reply(200))(call())
    await layer(async () => reply(404))(call())
    await layer(async () => reply(500))(call())
    await expect(layer(() => Promise.reject(new MeshError('MESH_ERR_BREAKER_OPEN', 'open')))(call())).rejects.toThrow()
    expect(samples(text(), 'mesh_calls_total')).toEqual([
      'mesh_calls_total{server_address="users",mesh_outcome="success"} 2',
      'mesh_calls_total{server_address="users",mesh_outcome="failure",error_type="500"} 1',
      'mesh_calls_total{server_address="users",mesh_outcome="ignored",error_type="MESH_ERR_BREAKER_OPEN"} 1',
    ])
  })

  it('measures inbound requests by route, refused ones too, and counts those of each caller', async () => {
    const { options, tracing, text } = scene()
    const outer = requestLayer(options)
    const inner = peerMetrics(options, tracing)
    await outer(inner(async () => ({ ...answered, route: '/users/:id' })))(inbound({ peer: peerOf('orders') }))
    const refuse = (): Promise<never> => Promise.reject(new Refusal('MESH_ERR_FORBIDDEN', 'no rule', { peer: 'orders' }))
    await expect(outer(inner(refuse))(inbound({ peer: peerOf('orders') }))).rejects.toThrow()
    expect(samples(text(), 'http_server_request_duration_seconds_count')).toEqual([
      'http_server_request_duration_seconds_count{http_request_method="GET",url_scheme="http",http_response_status_code="200",http_route="/users/:id"} 1',
      'http_server_request_duration_seconds_count{http_request_method="GET",url_scheme="http",http_response_status_code="403",error_type="MESH_ERR_FORBIDDEN"} 1',
    ])
    expect(samples(text(), 'mesh_requests_total')).toEqual([
      'mesh_requests_total{mesh_peer_service="orders",http_response_status_code="200"} 1',
      'mesh_requests_total{mesh_peer_service="orders",http_response_status_code="403"} 1',
    ])
  })

  it('Y03 makes of 10,000 peers, paths, principals, services and instances at most 2000 series, and counts the rest together', async () => {
    const { options, metrics, tracing, events, text } = scene()
    const random = seededRandom(1)
    const server = requestLayer(options)(peerMetrics(options, tracing)(async () => answered))
    const client = attemptLayer(options)(async () => reply())
    for (let i = 0; i < 10_000; i++) {
      await server(inbound({ peer: peerOf(`peer-${i}`), target: `/${random()}/${i}?q=${random()}` }))
      await client(attempt({ call: call({ path: `/${random()}`, method: `M${i}` }), endpoint: endpoint({ id: `e${i}`, host: `h${i}` }) }))
      events.emit('denied', { status: 403, code: 'MESH_ERR_FORBIDDEN', method: 'GET', path: `/${random()}`, peer: `who-${i}`, reason: `rule ${i}` })
      metrics.count('retries', { 'server.address': `service-${i}` })
    }
    const lines = text()
    expect(seriesCount(lines)).toBeLessThanOrEqual(MAX_SERIES)
    expect(lines).toContain('mesh_requests_total{otel_metric_overflow="true"} 9800\n')
    expect(lines).toContain('mesh_denials_total{otel_metric_overflow="true"} 9800\n')
    // One of the 200 names is that of the attempts.
    expect(lines).toContain('mesh_retries_total{otel_metric_overflow="true"} 9801\n')
    expect(lines).toContain('http_client_request_duration_seconds_count{http_request_method="_OTHER",server_address="users",server_port="80",http_response_status_code="200"} 10000\n')
    for (const { instrument, series } of metrics.collect()) expect(series.length, instrument.name).toBeLessThanOrEqual(MAX_SERIES)
  })

  it('Y03 keeps at most 2000 series of one instrument, whatever they differ by', () => {
    const { metrics } = scene()
    const set = metrics.histogram('clientDuration')
    for (let i = 0; i < 10_000; i++) metrics.record('clientDuration', set.at({ 'http.response.status_code': i }), 0.001)
    expect(set.all).toHaveLength(MAX_SERIES)
    expect(set.all.at(-1)).toMatchObject({ labels: { 'otel.metric.overflow': true }, count: 10_000 - (MAX_SERIES - 1) })
  })

  it('writes what promtool finds no fault with, whatever the names hold', () => {
    const { metrics, events, text } = scene()
    metrics.record('clientDuration', metrics.histogram('clientDuration').at({ 'server.address': 'a"b\\c\nd' }), 0.2)
    events.emit('retried', { service: 'users', resends: 1, error: new MeshError('MESH_ERR_CONNECT', 'no') })
    events.emit('hedged', { service: 'users', afterMs: 1, won: true })
    events.emit('ejected', { service: 'users', endpoint: 'a', reason: 'success-rate', forMs: 1 })
    events.emit('spilled', { peer: undefined, reason: '' })
    const written = text()
    expect(written).toContain('server_address="a\\"b\\\\c\\nd"')
    expect(execFileSync('promtool', ['check', 'metrics'], { input: written, encoding: 'utf8' })).toBe('')
  })
})
