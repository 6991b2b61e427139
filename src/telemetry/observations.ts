import { MESH_ENDPOINT_ID, NETWORK_PEER_ADDRESS, SERVER_ADDRESS } from './attributes.js'
import type { Observation } from './collected.js'
import { BREAKER_STATE, ENDPOINT_STATE, PRIORITY } from './instruments.js'

/** As much of what a mesh knows as is told in figures. */
export interface ObservedMesh {
  readonly draining: boolean
  /** In milliseconds since the Unix epoch; undefined without TLS. */
  readonly certificate: { readonly expiresAt: number } | undefined
  readonly inbound: { readonly inFlight: number; readonly shed: Readonly<Record<string, number>> }
  readonly services: Readonly<Record<string, ObservedService>>
}

export interface ObservedService {
  readonly registryAgeMs: number | undefined
  readonly kept: number
  readonly breaker: string
  readonly limits: { readonly inFlight: number; readonly waiting: number; readonly limit: number }
  readonly throttledRatio: number
  /** Retries and hedges that may be made now. */
  readonly retryBudget: number
  readonly endpoints: readonly ObservedEndpoint[]
}

export interface ObservedEndpoint {
  readonly id: string
  readonly address: string
  readonly state: string
  readonly inFlight: number
  /** Undefined before the first answer. */
  readonly latencyMs: number | undefined
  readonly successRatio: number
  readonly score: { readonly costMs: number }
}

const BREAKER_STATES = ['closed', 'half-open', 'open'] as const
const ENDPOINT_STATES = ['ready', 'draining', 'ejected'] as const
/** Instances of all services together that are told of, of those that were ever called. */
const MOST_ENDPOINTS = 450

/** What there is to be seen of a mesh at this moment. */
export function* observationsOf({ draining, certificate, inbound, services }: ObservedMesh): Iterable<Observation> {
  yield { key: 'draining', labels: {}, value: draining ? 1 : 0 }
  if (certificate !== undefined) yield { key: 'certificateExpiration', labels: {}, value: certificate.expiresAt / 1_000 }
  yield { key: 'requestsInFlight', labels: {}, value: inbound.inFlight }
  for (const [priority, value] of Object.entries(inbound.shed)) yield { key: 'sheds', labels: { [PRIORITY]: priority }, value }
  let room = MOST_ENDPOINTS
  for (const [name, service] of Object.entries(services)) {
    yield* serviceObservations(name, service)
    for (const endpoint of service.endpoints) {
      // One that was never called has nothing to tell.
      if (room === 0 || (endpoint.latencyMs === undefined && endpoint.inFlight === 0)) continue
      room--
      yield* endpointObservations(name, endpoint)
    }
  }
}

function* serviceObservations(name: string, service: ObservedService): Iterable<Observation> {
  const labels = { [SERVER_ADDRESS]: name }
  const { limits, registryAgeMs, throttledRatio, retryBudget, breaker, kept, endpoints } = service
  yield { key: 'callsInFlight', labels, value: limits.inFlight }
  yield { key: 'callsWaiting', labels, value: limits.waiting }
  if (limits.limit !== Infinity) yield { key: 'callsLimit', labels, value: limits.limit }
  yield { key: 'throttled', labels, value: throttledRatio }
  yield { key: 'retryBudget', labels, value: retryBudget }
  for (const state of BREAKER_STATES) yield { key: 'breakerState', labels: { ...labels, [BREAKER_STATE]: state }, value: state === breaker ? 1 : 0 }
  if (registryAgeMs !== undefined) yield { key: 'registryAge', labels, value: registryAgeMs / 1_000 }
  yield { key: 'endpointsKept', labels, value: kept }
  for (const state of ENDPOINT_STATES) {
    const value = endpoints.reduce((count, endpoint) => count + (endpoint.state === state ? 1 : 0), 0)
    yield { key: 'endpoints', labels: { ...labels, [ENDPOINT_STATE]: state }, value }
  }
}

function* endpointObservations(service: string, { id, address, inFlight, latencyMs, successRatio, score }: ObservedEndpoint): Iterable<Observation> {
  const labels = { [SERVER_ADDRESS]: service, [MESH_ENDPOINT_ID]: id, [NETWORK_PEER_ADDRESS]: address }
  yield { key: 'endpointInFlight', labels, value: inFlight }
  if (latencyMs !== undefined) yield { key: 'endpointLatency', labels, value: latencyMs / 1_000 }
  yield { key: 'endpointSuccess', labels, value: successRatio }
  yield { key: 'endpointCost', labels, value: score.costMs / 1_000 }
}
