import { ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, MESH_ENDPOINT_ID, MESH_FAULT, MESH_PEER_PRINCIPAL, MESH_PEER_SERVICE, NETWORK_PEER_ADDRESS, SERVER_ADDRESS, SERVER_PORT, URL_SCHEME } from './attributes.js'

/** One thing that is measured. */
export interface Instrument {
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Unit by UCUM, as OpenTelemetry wants it; `{…}` for things that are counted. */
  readonly unit: string
  readonly description: string
  /** What its series differ by, in this order. */
  readonly attributes: readonly string[]
}

/** Upper bounds of the buckets, in seconds, as the HTTP conventions advise. */
export const DURATION_BUCKETS = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])

export const AUDIT_ALLOWED = 'mesh.audit.allowed'
export const BREAKER_STATE = 'mesh.breaker.state'
export const EJECTION_REASON = 'mesh.ejection.reason'
export const ENDPOINT_STATE = 'mesh.endpoint.state'
export const HEDGE_WON = 'mesh.hedge.won'
export const OUTCOME = 'mesh.outcome'
export const POLICY_RESULT = 'mesh.policy.result'
export const PRIORITY = 'mesh.priority'

const ENDPOINT = [SERVER_ADDRESS, MESH_ENDPOINT_ID, NETWORK_PEER_ADDRESS]

/**
 * Everything that is measured: docs/telemetry.md lists the same. No path is an attribute of any, since there are as many of them as
 * there are users, and instances are told apart on gauges alone, whose series go when the instance goes.
 */
export const instruments = {
  clientDuration: of('http.client.request.duration', 'histogram', 's', 'Time of one attempt at a called service, until its body has ended.', [
    HTTP_REQUEST_METHOD, SERVER_ADDRESS, SERVER_PORT, HTTP_RESPONSE_STATUS_CODE, ERROR_TYPE,
  ]),
  serverDuration: of('http.server.request.duration', 'histogram', 's', 'Time in which an inbound request was answered or refused.', [
    HTTP_REQUEST_METHOD, URL_SCHEME, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, ERROR_TYPE,
  ]),
  calls: of('mesh.calls', 'counter', '{call}', 'Calls to a service that are over, however many attempts each took.', [SERVER_ADDRESS, OUTCOME, ERROR_TYPE]),
  retries: of('mesh.retries', 'counter', '{attempt}', 'Attempts made because the one before had failed.', [SERVER_ADDRESS]),
  retriesDenied: of('mesh.retries.denied', 'counter', '{call}', 'Calls that failed although they might have been tried again: the retry budget was empty.', [SERVER_ADDRESS]),
  hedges: of('mesh.hedges', 'counter', '{attempt}', 'Second attempts beside a slow first one.', [SERVER_ADDRESS, HEDGE_WON]),
  fallbacks: of('mesh.fallbacks', 'counter', '{call}', 'Calls answered by the fallback because the service failed.', [SERVER_ADDRESS]),
  ejections: of('mesh.ejections', 'counter', '{endpoint}', 'Endpoints put out of rotation.', [SERVER_ADDRESS, EJECTION_REASON]),
  readmissions: of('mesh.readmissions', 'counter', '{endpoint}', 'Ejected endpoints that answered well and came back.', [SERVER_ADDRESS]),
  breakerChanges: of('mesh.breaker.changes', 'counter', '{change}', 'Changes of the breaker into this state.', [SERVER_ADDRESS, BREAKER_STATE]),
  registryErrors: of('mesh.registry.errors', 'counter', '{error}', 'Watches and registrations that failed and were tried again.', [SERVER_ADDRESS]),
  tokens: of('mesh.tokens', 'counter', '{token}', 'Tokens for calls to a service that were had from the issuer, or signed.', [SERVER_ADDRESS]),
  identityErrors: of('mesh.identity.errors', 'counter', '{error}', "Reasons why the file of this service's token cannot be used.", []),
  tlsErrors: of('mesh.tls.errors', 'counter', '{error}', "Reasons why the files of this process's certificate cannot be used.", []),
  requests: of('mesh.requests', 'counter', '{request}', 'Inbound requests of verified callers that were answered or refused.', [MESH_PEER_SERVICE, HTTP_RESPONSE_STATUS_CODE]),
  denials: of('mesh.denials', 'counter', '{request}', 'Inbound requests refused before the application saw them.', [ERROR_TYPE, HTTP_RESPONSE_STATUS_CODE, MESH_PEER_PRINCIPAL]),
  spills: of('mesh.spills', 'counter', '{request}', 'Inbound requests politely refused, since others were probably freer.', []),
  sheds: of('mesh.sheds', 'counter', '{request}', 'Inbound requests refused because there was too much to do.', [PRIORITY]),
  policyChanges: of('mesh.policy.changes', 'counter', '{change}', 'New access policies: replaced the last one, or refused.', [POLICY_RESULT]),
  audits: of('mesh.audits', 'counter', '{request}', 'Requests that the part of the policy which is only tried would have judged otherwise.', [AUDIT_ALLOWED]),
  faults: of('mesh.faults', 'counter', '{request}', 'Inbound requests for which something was made to go wrong.', [MESH_FAULT]),
  callsInFlight: of('mesh.calls.in_flight', 'gauge', '{call}', 'Calls under way.', [SERVER_ADDRESS]),
  callsWaiting: of('mesh.calls.waiting', 'gauge', '{call}', 'Calls that wait for room.', [SERVER_ADDRESS]),
  callsLimit: of('mesh.calls.limit', 'gauge', '{call}', 'How many calls may be under way; absent while there is no limit.', [SERVER_ADDRESS]),
  throttled: of('mesh.throttled.ratio', 'gauge', '1', 'Share of the calls that is held back because the service refuses most.', [SERVER_ADDRESS]),
  retryBudget: of('mesh.retry.budget', 'gauge', '{attempt}', 'Retries and hedges that may be made at this moment.', [SERVER_ADDRESS]),
  breakerState: of('mesh.breaker.state', 'gauge', '{state}', '1 for the state that the breaker is in, 0 for the others.', [SERVER_ADDRESS, BREAKER_STATE]),
  registryAge: of('mesh.registry.age', 'gauge', 's', 'Time since the registry last said anything about the service.', [SERVER_ADDRESS]),
  endpointsKept: of('mesh.endpoints.kept', 'gauge', '{endpoint}', 'Endpoints still served although the registry names them no more.', [SERVER_ADDRESS]),
  endpoints: of('mesh.endpoints', 'gauge', '{endpoint}', 'Known endpoints.', [SERVER_ADDRESS, ENDPOINT_STATE]),
  endpointInFlight: of('mesh.endpoint.in_flight', 'gauge', '{attempt}', 'Attempts under way at an instance.', ENDPOINT),
  endpointLatency: of('mesh.endpoint.latency', 'gauge', 's', 'Mean time to response headers of an instance.', ENDPOINT),
  endpointSuccess: of('mesh.endpoint.success.ratio', 'gauge', '1', 'Recent share of successes of an instance.', ENDPOINT),
  endpointCost: of('mesh.endpoint.cost', 'gauge', 's', 'What one more request costs at an instance; the least is picked.', ENDPOINT),
  requestsInFlight: of('mesh.requests.in_flight', 'gauge', '{request}', 'Inbound requests that are being answered.', []),
  certificateExpiration: of('mesh.tls.certificate.expiration', 'gauge', 's', 'When the certificate of this process expires, since the Unix epoch; absent without `tls`.', []),
  draining: of('mesh.draining', 'gauge', '{state}', '1 while this process drains, else 0.', []),
} as const satisfies Readonly<Record<string, Instrument>>

export type InstrumentKey = keyof typeof instruments

function of<const K extends Instrument['kind']>(name: string, kind: K, unit: string, description: string, attributes: readonly string[]): Instrument & { readonly kind: K } {
  return Object.freeze({ name, kind, unit, description, attributes })
}
