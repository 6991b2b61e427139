/** The balancing algorithms that a service can ask for. */
export type BalancerAlgorithm = 'random' | 'round-robin' | 'weighted' | 'least-loaded'

export interface BalancerPolicy {
  readonly algorithm: BalancerAlgorithm
}

export interface RetryPolicy {
  /** How many attempts may follow the first one. */
  readonly maxResends: number
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

/** Everything that is wanted for calls to one service; inside the package nothing of it is optional. */
export interface ServicePolicy {
  /** Time for the whole call, all attempts and the body included. */
  readonly timeoutMs: number
  /** Time for one attempt to bring response headers. */
  readonly attemptTimeoutMs: number
  readonly balancer: BalancerPolicy
  readonly retry: RetryPolicy
  readonly breaker: BreakerPolicy
}

/** What a user, a registry or a call says about a service: any part of a {@link ServicePolicy}. */
export type ServiceOptions = PartialDeep<ServicePolicy>

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

/** Lays the layers over the defaults, field by field; the last one that says something about a field wins. */
export function layerPolicy(defaults: ServicePolicy, layers: readonly PolicyLayer[]): EffectivePolicy {
  const origins: Record<string, string> = {}
  const lay = (fallback: object, parts: readonly { origin: string; options: object | undefined }[], path: string): object =>
    Object.fromEntries(
      Object.entries(fallback).map(([key, defaultValue]) => {
        const fieldPath = path === '' ? key : `${path}.${key}`
        const said = parts.map(({ origin, options }) => ({ origin, options: (options as Record<string, never> | undefined)?.[key] }))
        if (typeof defaultValue === 'object') return [key, lay(defaultValue as object, said, fieldPath)]
        const last = said.findLast((part) => part.options !== undefined)
        origins[fieldPath] = last?.origin ?? 'default'
        return [key, last?.options ?? defaultValue]
      }),
    )
  return { policy: lay(defaults, layers, '') as ServicePolicy, origins }
}
