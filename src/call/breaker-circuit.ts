import type { Call } from './call.js'
import type { Reply } from './reply.js'

/** What a breaker has counted within its window. */
export interface BreakerStats {
  /** Results that were counted, and calls that were refused. */
  readonly fires: number
  readonly successes: number
  readonly failures: number
  /** Calls that were refused without being sent. */
  readonly rejects: number
  /** Calls that the service's `fallback` answered. */
  readonly fallbacks: number
}

/** Events of a breaker → what its listeners are given. */
export interface BreakerCircuitEvents {
  /** A result is about to be counted, or a call to be refused. */
  fire: [calls: readonly Call[]]
  success: [reply: Reply, latencyMs: number]
  /** An error, or an answer that is a failure of the service. */
  failure: [result: Reply | Error, latencyMs: number, calls: readonly Call[]]
  reject: [error: Error]
  fallback: [reply: Reply, error: Error]
  open: []
  halfOpen: [afterMs: number]
  close: []
  shutdown: []
}

type Listening = <K extends keyof BreakerCircuitEvents>(event: K, listener: (...args: BreakerCircuitEvents[K]) => void) => unknown

/**
 * The breaker of a service as tools for opossum know it: an opossum `CircuitBreaker` that is told of results. It can be read,
 * listened to, and switched by hand; its `fire` is not for use, since calls go through the mesh.
 */
export interface BreakerCircuit {
  /** The service. */
  readonly name: string
  readonly group: string
  readonly closed: boolean
  readonly opened: boolean
  readonly halfOpen: boolean
  readonly enabled: boolean
  readonly stats: BreakerStats
  /** The same, and by slices of time, the newest first. */
  readonly status: { readonly stats: BreakerStats; readonly window: readonly BreakerStats[] }
  readonly on: Listening
  readonly once: Listening
  readonly off: Listening
  eventNames(): (string | symbol)[]
  /** Refuses calls from now on; after `openMs` a probe is let through, as always. */
  open(): void
  /** Lets calls through from now on. */
  close(): void
  /** Guards again. */
  enable(): void
  /** Lets every call through, uncounted. */
  disable(): void
  toJSON(): object
}
