import type { Attributes } from '@opentelemetry/api'

/*
 * Names of the OpenTelemetry semantic conventions 1.45.0, written out: the package that holds them as constants would be
 * a dependency at run time.
 * https://github.com/open-telemetry/semantic-conventions/blob/v1.45.0/docs/http/http-spans.md
 */
export const CLIENT_ADDRESS = 'client.address'
export const ERROR_TYPE = 'error.type'
export const HTTP_REQUEST_METHOD = 'http.request.method'
export const HTTP_REQUEST_METHOD_ORIGINAL = 'http.request.method_original'
export const HTTP_REQUEST_RESEND_COUNT = 'http.request.resend_count'
export const HTTP_RESPONSE_STATUS_CODE = 'http.response.status_code'
export const HTTP_ROUTE = 'http.route'
export const NETWORK_PEER_ADDRESS = 'network.peer.address'
export const NETWORK_PEER_PORT = 'network.peer.port'
export const SERVER_ADDRESS = 'server.address'
export const SERVER_PORT = 'server.port'
/** In development: the logical name of the service at the other end. */
export const SERVICE_PEER_NAME = 'service.peer.name'
export const URL_FULL = 'url.full'
export const URL_PATH = 'url.path'
export const URL_QUERY = 'url.query'
export const URL_SCHEME = 'url.scheme'
/** In development. */
export const URL_TEMPLATE = 'url.template'
export const USER_AGENT_ORIGINAL = 'user_agent.original'

/** How many attempts a call took. */
export const MESH_ATTEMPTS = 'mesh.attempts'
/** Whether the application's fallback answered the call, because the service failed. */
export const MESH_FALLBACK = 'mesh.fallback'
/** The instance that an attempt went to, by the name it has in the registry. */
export const MESH_ENDPOINT_ID = 'mesh.endpoint.id'
/** The second attempt of a hedged pair. */
export const MESH_HEDGE = 'mesh.hedge'
/** Among how many instances an attempt's was chosen. */
export const MESH_PICK_CANDIDATES = 'mesh.pick.candidates'
/** How many known instances were not among them: ejected, draining, full, tried before, or of another level. */
export const MESH_PICK_EXCLUDED = 'mesh.pick.excluded'
/** Attempts under way at the picked instance, without this one. */
export const MESH_PICK_IN_FLIGHT = 'mesh.pick.in_flight'
/** What one more request costs there, in milliseconds; the least is picked. */
export const MESH_PICK_COST_MS = 'mesh.pick.cost_ms'
export const MESH_PICK_LATENCY_MS = 'mesh.pick.latency_ms'
/** Whether that latency is the age of its oldest unanswered attempt. */
export const MESH_PICK_STALLED = 'mesh.pick.stalled'
export const MESH_PICK_SUCCESS_RATIO = 'mesh.pick.success_ratio'
/** Share of its due while it is new. */
export const MESH_PICK_RAMP = 'mesh.pick.ramp'
export const MESH_PICK_WEIGHT = 'mesh.pick.weight'
/** Above 1: it says that it has more to do than usual; below 1: less. */
export const MESH_PICK_REPORT = 'mesh.pick.report'
/** What was made to go wrong with an inbound request: `delay` or `abort`. */
export const MESH_FAULT = 'mesh.fault'
/** Why an inbound request was refused, such as the rule of the policy; for the operator alone. */
export const MESH_REFUSAL_REASON = 'mesh.refusal.reason'
/** The verified subject that an inbound request came from. */
export const MESH_PEER_PRINCIPAL = 'mesh.peer.principal'
/** The verified name of the service that an inbound request came from. */
export const MESH_PEER_SERVICE = 'mesh.peer.service'

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY',
])

/** The method, or what stands for every invented one: none must become a series of its own. */
export function methodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : '_OTHER'
}

/** The method as attributes of a span. */
export function methodAttributes(method: string): Attributes {
  const label = methodLabel(method)
  return label === method ? { [HTTP_REQUEST_METHOD]: method } : { [HTTP_REQUEST_METHOD]: label, [HTTP_REQUEST_METHOD_ORIGINAL]: method }
}

/** `GET /users/{id}`, or the method alone: a path would make as many names as there are users. */
export function httpSpanName(method: string, route: string | undefined): string {
  const verb = KNOWN_METHODS.has(method) ? method : 'HTTP'
  return route === undefined ? verb : `${verb} ${route}`
}
