import { traceRequest, type SentAttributes, type SentSpan } from '../control-plane/monitor/otlp-json.js'
import { register, running, type Ask } from '../control-plane/running.js'

/** What is sent but for the ids, which are given. */
export type Told = Omit<Partial<SentSpan>, 'spanId'>

export interface Fed {
  readonly url: string
  readonly ask: Ask
  /** Ends the control plane. */
  close(): Promise<void>
  /** Sends spans of one service, each of which ended just now. */
  tell(service: string, ...spans: readonly Told[]): Promise<void>
}

let ids = 0
const hex = (digits: number): string => (++ids + 0xabcdef00).toString(16).padStart(digits, '0')

/** A control plane, and a way to feed it what exporters would. */
export async function fed(): Promise<Fed> {
  const { controlPlane, ask } = await running()
  return {
    url: controlPlane.url,
    ask,
    close: () => controlPlane.close(),
    async tell(service, ...spans) {
      const sent = spans.map((span) => ({ endAt: Date.now(), traceId: hex(32), spanId: hex(16), ...span }))
      const { status, body } = await ask('/v1/traces', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(traceRequest(service, ...sent)) })
      if (status !== 200) throw new Error(`the control plane answered ${status} ${body}`)
    },
  }
}

/** A try of an instance of users, as a mesh tells it. */
export function attempt(instance: string, more: SentAttributes = {}, rest: Told = {}): Told {
  const status = { 'http.request.method': 'GET', 'http.response.status_code': 200, 'url.template': '/users/{id}' }
  const peer = { 'service.peer.name': 'users', 'server.address': 'users', 'network.peer.address': '127.0.0.1', 'network.peer.port': 8081, 'mesh.endpoint.id': instance }
  return { kind: 3, name: 'GET', attributes: { ...peer, ...status, ...more }, ...rest }
}

/** A request that users answered, as a mesh tells it. */
export function served(more: SentAttributes = {}, rest: Told = {}): Told {
  const request = { 'http.request.method': 'GET', 'http.response.status_code': 200, 'url.path': '/users/42', 'mesh.peer.service': 'orders', 'network.peer.address': '127.0.0.1' }
  return { kind: 2, name: 'GET /users/{id}', attributes: { ...request, ...more }, ...rest }
}

/** Two instances of users, one of them slow, called by orders: ten calls, one of which was tried twice, and an intruder. */
export async function smallMesh(): Promise<Fed> {
  const mesh = await fed()
  await register(mesh.ask, 'users-1')
  await register(mesh.ask, 'users-2', { Port: 8082 })
  const call = { kind: 1, name: 'mesh.call users', attributes: { 'service.peer.name': 'users' } }
  const pick = { 'mesh.pick.candidates': 2, 'mesh.pick.excluded': 1, 'mesh.pick.cost_ms': 7.5, 'mesh.pick.latency_ms': 2.5, 'mesh.pick.in_flight': 2, 'mesh.pick.success_ratio': 1 }
  await mesh.tell(
    'orders',
    ...Array.from({ length: 10 }, () => call),
    ...Array.from({ length: 9 }, () => attempt('users-1', pick, { ms: 4 })),
    attempt('users-2', { 'error.type': 'MESH_ERR_CONNECTION' }, { ms: 40, failed: true }),
    attempt('users-1', { ...pick, 'http.request.resend_count': 1 }, { ms: 4 }),
  )
  await mesh.tell('users', ...Array.from({ length: 10 }, () => served({}, { ms: 3 })))
  const refused = { 'http.response.status_code': 401, 'error.type': 'MESH_ERR_UNAUTHENTICATED', 'mesh.refusal.reason': 'there is no token' }
  await mesh.tell('users', { kind: 2, name: 'GET', attributes: { 'http.request.method': 'GET', 'url.path': '/users/1', 'network.peer.address': '127.0.0.9', ...refused } })
  return mesh
}
