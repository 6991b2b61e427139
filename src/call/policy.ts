import { settleContradictions } from './policy-pairs.js'

/** The balancing algorithms that a service can ask for. */
export type BalancerAlgorithm = 'adaptive' | 'least-loaded' | 'round-robin' | 'random' | 'weighted' | 'ring-hash'

export interface BalancerPolicy {
  readonly algorithm: BalancerAlgorithm
  /** `ring-hash`: requests with the same value of this header field go to the same endpoint. Empty: none. */
  readonly hashHeader: string
  /** `ring-hash`: the same by a cookie, when the header field is absent. Empty: none. Without either the path decides. */
  readonly hashCookie: string
}

export interface SlowStartPolicy {
  /** How long an endpoint that is new, or back from an ejection, gets less than its due; 0 for not at all. */
  readonly windowMs: number
}

/** When an endpoint is put out of rotation for being worse than the others of its service. */
export interface OutlierPolicy {
  /** Failures in a row that eject at once; 0 for never. */
  readonly consecutiveFailures: number
  /** How often success ratios are compared. */
  readonly intervalMs: number
  /** How long the first ejection lasts; the n-th in close succession lasts n times as long. */
  readonly baseEjectionMs: number
  readonly maxEjectionMs: number
  /** Share of the endpoints, 0–1, that may be ejected at the same time; one always may, unless this is 0: then none is. */
  readonly maxEjectedRatio: number
  readonly successRate: {
    /** Ejected is whose success ratio is this many standard deviations, and a tenth, below the mean of the others; 0 for never. */
    readonly stdevFactor: number
    /** Endpoints with enough requests that it takes for a comparison. */
    readonly minEndpoints: number
    /** Requests that it takes to judge an endpoint. */
    readonly minRequests: number
  }
  readonly failureRatio: {
    /** Ejected is who fails at least this share of its requests, 0–1; 0 for never. */
    readonly threshold: number
    readonly minRequests: number
  }
}

export interface LocalityPolicy {
  /** `prefer`: calls stay in the own zone, then in the own region, as far as the capacity there reaches. `off`: zones and regions do not matter. */
  readonly mode: 'prefer' | 'off'
  /** How many times what it has to serve a zone, region or priority can serve, 1 or more: the more, the later calls leave it. */
  readonly overprovisioning: number
}

export interface SubsetPolicy {
  /** How many endpoints of each level (priority and distance) this client calls; 0 is all of them. */
  readonly size: number
}

export interface SpillPolicy {
  /** How often a call may be offered to endpoints that may refuse it, when others are probably freer; 0 for not at all. */
  readonly maxOffers: number
}

export interface RetryPolicy {
  /** How many attempts may follow the first one. */
  readonly maxResends: number
  /** Every call of the service can be done twice, whatever its method: POST and PATCH too. */
  readonly idempotent: boolean
  /** Where there is a pause before an attempt, it is drawn from 0 to this, to twice this before the next one, and so on … */
  readonly backoffMs: number
  /** … and never longer than this. */
  readonly maxBackoffMs: number
  /** Attempts beyond the first ones, hedges included, as a share of the calls of the last ten seconds, 0–1 … */
  readonly budgetRatio: number
  /** … or so many a second, where that is more. */
  readonly minPerSec: number
}

/** When a call is sent a second time beside the first, to another endpoint. */
export interface HedgePolicy {
  /** Share of the answers, 0–1, that come sooner than the second attempt is made; 0 for none at all. */
  readonly percentile: number
  /** Second attempts as a share of the calls of the last ten seconds, 0–1. */
  readonly maxExtraRatio: number
}

export interface BreakerPolicy {
  /** Share of failed calls within the window that opens the breaker, 0–1. */
  readonly failureRatio: number
  /** Calls that a window must hold before the breaker may open. */
  readonly minCalls: number
  /** Length of the window in milliseconds. */
  readonly windowMs: number
  /** How long the breaker stays open before it lets one probe through. */
  readonly openMs: number
}

/** How many calls to a service may be under way at the same time. */
export interface LimitsPolicy {
  /** Calls under way, from their first attempt until their body has ended; 0 for any number. */
  readonly maxInFlight: number
  /** Calls that wait for room, for no longer than their own time; what comes then is refused at once. 0: nothing waits. */
  readonly maxWaiting: number
  /** Attempts under way at one endpoint: one that has so many is not picked; 0 for any number. */
  readonly maxInFlightPerEndpoint: number
  /** Finds the limit by latency, below `maxInFlight`. */
  readonly adaptive: boolean
}

/** When calls are held back from a service that refuses most of them. */
export interface ThrottlePolicy {
  /** How many calls are sent for each one that the service accepts, 1–100; 0: nothing is ever held back. */
  readonly requestsPerAccept: number
  /** Over so long it is counted. */
  readonly windowMs: number
}

/** Over what calls go: TLS or nothing; TLS where an endpoint says that it speaks it; no TLS. */
export type TlsMode = 'required' | 'offered' | 'off'

/** How calls to a service are encrypted, and who must be at the other end. */
export interface TlsPolicy {
  readonly mode: TlsMode
  /** SPIFFE ID that the service's certificates must have. Empty: as `createMesh({ tls: { identities } })` says. */
  readonly identity: string
}

/** Everything that is wanted for calls to one service; inside the package nothing of it is optional. */
export interface ServicePolicy {
  /** Time for the whole call, all attempts and the body included. */
  readonly timeoutMs: number
  /** Time for one attempt to bring response headers. */
  readonly attemptTimeoutMs: number
  readonly balancer: BalancerPolicy
  readonly locality: LocalityPolicy
  readonly subset: SubsetPolicy
  readonly slowStart: SlowStartPolicy
  readonly outlier: OutlierPolicy
  readonly spill: SpillPolicy
  readonly retry: RetryPolicy
  readonly hedge: HedgePolicy
  readonly breaker: BreakerPolicy
  readonly limits: LimitsPolicy
  readonly throttle: ThrottlePolicy
  readonly tls: TlsPolicy
}

/** What a user, a registry or a call says about a service: any part of a {@link ServicePolicy}. */
export type ServiceOptions = PartialDeep<ServicePolicy>

/** What is wanted of balancing: any part of a {@link BalancerPolicy}. */
export type BalancerOptions = PartialDeep<BalancerPolicy>

type PartialDeep<T> = T extends object ? { readonly [K in keyof T]?: PartialDeep<T[K]> | undefined } : T

/** One source of policy and the name by which `mesh.explain` shows it. */
export interface PolicyLayer {
  readonly origin: string
  readonly options: ServiceOptions
}

export interface EffectivePolicy {
  readonly policy: ServicePolicy
  /** Dotted path of every value → the origin of the layer that set it. */
  readonly origins: Readonly<Record<string, string>>
}

/**
 * Lays the layers over the defaults, field by field; the last one that says something about a field wins, and a weaker value
 * that contradicts a stronger one gives way to it.
 */
export function layerPolicy(defaults: ServicePolicy, layers: readonly PolicyLayer[]): EffectivePolicy {
  const origins: Record<string, string> = {}
  const strengths: Record<string, number> = {}
  const lay = (fallback: object, parts: readonly { origin: string; options: object | undefined }[], path: string): object =>
    Object.fromEntries(
      Object.entries(fallback).map(([key, defaultValue]) => {
        const fieldPath = path === '' ? key : `${path}.${key}`
        const said = parts.map(({ origin, options }) => ({ origin, options: (options as Record<string, never> | undefined)?.[key] }))
        if (typeof defaultValue === 'object') return [key, lay(defaultValue as object, said, fieldPath)]
        const last = said.findLast((part) => part.options !== undefined)
        strengths[fieldPath] = last === undefined ? -1 : said.indexOf(last)
        origins[fieldPath] = last?.origin ?? 'default'
        return [key, last?.options ?? defaultValue]
      }),
    )
  const policy = lay(defaults, layers, '') as ServicePolicy
  settleContradictions(policy, origins, strengths)
  return { policy, origins }
}
