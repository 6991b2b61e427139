// A small mesh, as the monitoring service would tell of it: one slow instance, one failing service, a retry, a hedge, and an intruder.
import type { DenialRow, EdgeRow, InstanceRow, ServiceRow, TraceRow } from '../../../src/control-plane/monitor/answers.js'
import type { Span } from '../../../src/control-plane/monitor/span.js'

export interface World {
  services: ServiceRow[]
  edges: EdgeRow[]
  instances: InstanceRow[]
  denials: DenialRow[]
  traces: TraceRow[]
  spans: Record<string, Span[]>
}

export function emptyWorld(): World {
  return { services: [], edges: [], instances: [], denials: [], traces: [], spans: {} }
}

export function shopWorld(now: number): World {
  const traces = Array.from({ length: 40 }, (_, i) => traceRow(now, i))
  return {
    services: [
      service('edge', 0, 0, 0, 0, now),
      service('orders', 9_612, 0, 11.2, 94, now, 2),
      service('users', 9_640, 0, 8.4, 84, now, 3, 61),
      service('stock', 4_810, 2, 3.1, 12.2, now, 2),
      service('payments', 1_204, 96, 41, 620, now, 1),
      service('mail', 1_108, 0, 2.2, 7.9, now, 4),
    ],
    edges: [
      edge('edge', 'orders', 9_612, 0, 11.9, 95),
      edge('orders', 'users', 9_664, 24, 8.9, 85, { calls: 9_612, retries: 24, hedges: 28 }),
      edge('orders', 'stock', 4_810, 2, 3.4, 12.9),
      edge('orders', 'payments', 1_299, 95, 43, 640, { calls: 1_204, retries: 95 }),
      edge('payments', 'mail', 1_108, 0, 2.6, 8.4, { mutual: false }),
    ],
    instances: [
      instance('users', 1, now, { p50Ms: 8.3, p99Ms: 12.1, share: 0.467, costMs: 9.1 }),
      instance('users', 2, now, { p50Ms: 8.4, p99Ms: 12.8, share: 0.461, costMs: 9.4, zone: 'b' }),
      instance('users', 3, now, { p50Ms: 80.6, p99Ms: 86.2, share: 0.072, costMs: 83.9, zone: 'b' }),
      instance('orders', 1, now, { share: 0.5 }),
      instance('orders', 2, now, { share: 0.5 }),
      instance('stock', 1, now, { share: 0.5 }),
      instance('stock', 2, now, { share: 0.5, status: 'draining' }),
      instance('payments', 1, now, { share: 1, errors: 96, count: 1_204 }),
      ...[1, 2, 3, 4].map((n) => instance('mail', n, now, { share: 0.25 })),
    ],
    denials: Array.from({ length: 60 }, (_, i) => denial(now, i)),
    traces,
    spans: Object.fromEntries(traces.map(({ traceId }, i) => [traceId, traceSpans(traceId, now - i * 640, i)])),
  }
}

function service(name: string, count: number, errors: number, p50Ms: number, p99Ms: number, now: number, instances = 0, denied = 0): ServiceRow {
  return { service: name, count, errors, perSec: count / 60, successRatio: count === 0 ? 1 : 1 - errors / count, p50Ms, p99Ms, denied, instances, lastSeenAt: now - 300 }
}

function edge(caller: string, callee: string, count: number, errors: number, p50Ms: number, p99Ms: number, more: Partial<EdgeRow> = {}): EdgeRow {
  const successRatio = 1 - errors / count
  return { caller, callee, calls: count, attempts: count, retries: 0, hedges: 0, count, errors, perSec: count / 60, successRatio, p50Ms, p99Ms, mutual: true, ...more }
}

function instance(name: string, n: number, now: number, more: Partial<InstanceRow> & { readonly costMs?: number }): InstanceRow {
  const { costMs = 9, p50Ms = 8, ...rest } = more
  const caller = { users: 'orders', stock: 'orders', payments: 'orders', mail: 'payments' }[name] ?? 'edge'
  const pick = { at: now - 120, costMs, latencyMs: costMs * 0.95, successRatio: 1, inFlight: n % 2, ramp: 1, weight: 1, report: 1.02, stalled: false, candidates: 3, excluded: 0 }
  return {
    service: name, id: `${name}-${n}@sidecarless`, address: `127.0.0.1:4${n}07${name.length}`, zone: 'a', weight: 1, version: '1.4.2', status: 'passing',
    count: 3_200, errors: 0, perSec: 53.4, share: 0.33, p50Ms, p99Ms: 12, lastSeenAt: now - 400, callers: [{ caller, count: 3_200, pick }], ...rest,
  }
}

function denial(now: number, i: number): DenialRow {
  const isKnown = i % 12 === 5
  return {
    at: now - i * 731,
    service: 'users',
    caller: isKnown ? 'edge' : null,
    address: '127.0.0.1',
    status: isKnown ? 403 : 401,
    code: isKnown ? 'MESH_ERR_FORBIDDEN' : 'MESH_ERR_UNAUTHENTICATED',
    reason: isKnown ? 'no rule of the policy allows edge' : ['the request bears no token', 'the token is not a JWT', 'no key of the issuer made the signature'][i % 3]!,
    method: 'GET',
    path: '/users/1',
    traceId: hex(i + 1, 32),
  }
}

function traceRow(now: number, i: number): TraceRow {
  const failed = i % 9 === 4
  const durationMs = [13.2, 11.8, 96.4, 12.9, 47.1, 10.7][i % 6]!
  return {
    traceId: hex(i + 1, 32), name: 'mesh.call orders', service: 'edge', services: ['edge', 'orders', 'users'], spans: 8, failed, startAt: now - i * 640, durationMs,
    attempts: 3, retries: i % 6 === 2 ? 1 : 0, hedges: i % 6 === 4 ? 1 : 0,
  }
}

function traceSpans(traceId: string, at: number, i: number): Span[] {
  const span = (n: number, parent: number | undefined, name: string, service: string, kind: Span['kind'], offsetMs: number, durationMs: number, attributes: Span['attributes'] = {}, failed = false): Span => ({
    traceId, spanId: hex(n, 16), parentSpanId: parent === undefined ? undefined : hex(parent, 16), service, name, kind,
    startAt: at + offsetMs, durationMs, failed, statusMessage: failed ? 'upstream connect timed out' : '', attributes, events: [],
  })
  const attempt = (service: string, id: string, more: Span['attributes'] = {}): Span['attributes'] => ({
    'http.request.method': 'GET', 'server.address': service, 'network.peer.address': '127.0.0.1', 'network.peer.port': 41_073, 'mesh.endpoint.id': `${id}@sidecarless`,
    'mesh.pick.candidates': 3, 'mesh.pick.excluded': 0, 'mesh.pick.cost_ms': 9.131_72, 'mesh.pick.latency_ms': 8.6, 'mesh.pick.in_flight': 1, ...more,
  })
  return [
    span(1, undefined, 'mesh.call orders', 'edge', 'internal', 0, 47.1, { 'mesh.attempts': 1 }),
    span(2, 1, 'GET /orders/{id}', 'edge', 'client', 0.3, 46.6, attempt('orders', 'orders-1', { 'http.response.status_code': 200 })),
    span(3, 2, 'GET /orders/:id', 'orders', 'server', 1.1, 45.2, { 'http.route': '/orders/:id', 'http.response.status_code': 200, 'mesh.peer.service': 'edge' }),
    span(4, 3, 'mesh.call users', 'orders', 'internal', 1.6, 43.9, { 'mesh.attempts': 3 }),
    span(5, 4, 'GET /users/{id}', 'orders', 'client', 1.8, 11.9, attempt('users', 'users-3', { 'error.type': 'MESH_ERR_ATTEMPT_TIMEOUT' }), true),
    span(6, 4, 'GET /users/{id}', 'orders', 'client', 16.2, 28.8, attempt('users', 'users-2', { 'http.request.resend_count': 1, 'http.response.status_code': 200 })),
    span(7, 6, 'GET /users/:id', 'users', 'server', 17, 27.4, { 'http.route': '/users/:id', 'http.response.status_code': 200, 'mesh.peer.service': 'orders' }),
    span(8, 4, 'GET /users/{id}', 'orders', 'client', 31.4, 12.8, attempt('users', 'users-1', { 'http.request.resend_count': 1, 'mesh.hedge': true, 'http.response.status_code': 200 })),
    span(9, 8, i === 0 ? 'GET /users/:id' : 'GET /users/:id ', 'users', 'server', 32, 11.4, { 'http.route': '/users/:id', 'http.response.status_code': 200, 'mesh.peer.service': 'orders' }),
  ]
}

function hex(value: number, digits: number): string {
  return (value * 0x9e37_79b1).toString(16).padStart(digits, 'a3c57f1b').slice(-digits)
}
