import type { Proximity } from './balancer/level.js'
import type { EffectivePolicy } from './call/policy.js'
import type { EndpointReport } from './endpoint-report.js'
import type { Breaker } from './resilience/breaker.js'

/** Endpoints of one priority that are equally near, and the share of the calls that goes to them. */
export interface LevelReport {
  readonly priority: number
  /** In this process's zone, in its region, or not known to be near. */
  readonly proximity: Proximity
  /** 0–1; the shares of all levels make 1. */
  readonly share: number
  /** How many endpoints this process calls here: those that are ready and in its subset. */
  readonly size: number
}

/** What this process knows of a service. */
export interface ServiceReport {
  readonly service: string
  /** Undefined while the registry has not spoken. */
  readonly revision: number | undefined
  /** Milliseconds since the registry last said anything. */
  readonly registryAgeMs: number | undefined
  readonly registryError: string | undefined
  /** How many endpoints are still served although the registry does not name them any more: see `discovery.emptyConfirmMs`. */
  readonly kept: number
  readonly breaker: Breaker['state']
  /** Calls under way, calls that wait for room, and how many may be under way. */
  readonly limits: { readonly inFlight: number; readonly waiting: number; readonly limit: number }
  /** Share of the calls, 0–1, that is held back because the service refuses most of them. */
  readonly throttledRatio: number
  /** Retries and hedges that may be made now. */
  readonly retryBudget: number
  /** Where calls go, the nearest first. */
  readonly levels: readonly LevelReport[]
  readonly endpoints: readonly EndpointReport[]
}

/** Why calls to a service go as they do. */
export interface ServiceExplanation extends ServiceReport {
  /** Every value in force, by its dotted path, and who set it. */
  readonly policy: Readonly<Record<string, { readonly value: unknown; readonly origin: string }>>
}

/** Every value in force beside its origin. */
export function explainPolicy({ policy, origins }: EffectivePolicy): ServiceExplanation['policy'] {
  const valueAt = (path: string): unknown => path.split('.').reduce((part: unknown, key) => (part as Record<string, unknown>)[key], policy)
  return Object.fromEntries(Object.entries(origins).map(([path, origin]) => [path, { value: valueAt(path), origin }]))
}
