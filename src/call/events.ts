import type { MeshError } from '../base/errors.js'

/** Why an endpoint was put out of rotation; `asked-for`: it said so itself, by Retry-After. */
export type EjectionReason = 'consecutive-failures' | 'success-rate' | 'failure-ratio' | 'probe-failed' | 'asked-for'

/** The news of the mesh: event name → what listeners are given. */
export interface MeshEvents {
  /** An endpoint was chosen for an attempt, among so many; the score, where there is one, is what one more request costs there in ms. */
  picked: {
    readonly service: string
    readonly endpoint: string
    readonly resends: number
    readonly candidates: number
    readonly score: number | undefined
  }
  /** An endpoint was put out of rotation, for so long; then one request decides whether it comes back. */
  ejected: { readonly service: string; readonly endpoint: string; readonly reason: EjectionReason; readonly forMs: number }
  /** An ejected endpoint has answered well and is back in rotation. */
  readmitted: { readonly service: string; readonly endpoint: string }
  /** A call is about to be tried again. */
  retried: { readonly service: string; readonly resends: number; readonly error: MeshError }
  /** A call failed that might have been tried again, but the retry budget of its service was empty. */
  retryDenied: { readonly service: string; readonly error: MeshError }
  /** A call was sent a second time beside the first, after so long, and is over; `won`: the answer is the second one's. */
  hedged: { readonly service: string; readonly afterMs: number; readonly won: boolean }
  /** The set of endpoints of a service changed. */
  endpoints: { readonly service: string; readonly revision: number; readonly ready: number; readonly draining: number }
  /** The breaker of a service changed its state. */
  breaker: { readonly service: string; readonly state: 'open' | 'half-open' | 'closed' }
  /** A call that had failed for good, or was refused by the breaker, was answered by the service's `fallback`. */
  fallback: { readonly service: string; readonly method: string; readonly error: Error }
  /** Malformed entries, or a malformed policy, came from the registry and were left out; the rest is served, and the last good policy stays. */
  endpointsRefused: { readonly service: string; readonly revision: number; readonly reasons: readonly string[] }
  /** Most of a service vanished at once; the vanished endpoints are kept until the registry has stood by its word for a while. */
  endpointsKept: { readonly service: string; readonly revision: number; readonly kept: number; readonly named: number }
  /** A watch or a registration failed and will be tried again; 0 when it goes on by itself. */
  registryError: { readonly service: string; readonly error: Error; readonly retryInMs: number }
  /** This process stands in the registry, for the first time or again. */
  registered: { readonly service: string; readonly instanceId: string }
  /** A token for calls to this service was had from the issuer, or signed; it serves until it is to be renewed. */
  tokenRenewed: { readonly audience: string }
  /** The file that this service's token comes from cannot be used; the last good token serves on until it expires. Told once for each reason. */
  identityError: { readonly error: Error }
  /** The files of `tls` have changed and are good: new connections are made with them. `distrusts`: an authority is no longer trusted. */
  tlsRenewed: { readonly spiffeId: string; readonly expiresAt: number; readonly distrusts: boolean }
  /** The files of `tls` cannot be used as they are; the last good ones serve on. Told once for each reason. */
  tlsError: { readonly error: Error }
  /** A connection was not taken: its handshake failed, or its certificate is not that of a workload of the trust domain. */
  connectionRefused: { readonly address: string | undefined; readonly reason: string }
  /** An inbound request was refused; `reason` is for the operator and is not told to the caller. */
  denied: {
    readonly status: number
    readonly code: string
    readonly method: string
    readonly path: string
    readonly peer: string | undefined
    readonly reason: string
  }
  /** A policy that was to take the place of another is not understood, or its file cannot be read: the last good one stays. */
  policyRefused: { readonly reason: string }
  /** Another policy judges from here on. */
  policyReplaced: Record<never, never>
  /** What is only tried of a policy (`dryRun`) would have changed the verdict: would it have allowed the request, and by which rule. */
  audited: {
    readonly allowed: boolean
    readonly rule: string
    readonly method: string
    readonly path: string
    readonly peer: string
  }
  /** An inbound request was politely refused, since it would have had to wait here, and its caller offers it to others. */
  spilled: { readonly peer: string | undefined; readonly reason: string }
  /** Something went wrong on purpose for an inbound request: see the option `faults`. */
  faultInjected: {
    readonly delayMs: number
    /** Status of the answer given in the application's place; undefined when the application answers. */
    readonly status: number | undefined
    readonly method: string
    readonly path: string
    readonly peer: string | undefined
  }
  /** An attempt is over, its body included, after so long. */
  attempted: {
    readonly service: string
    readonly endpoint: string
    readonly method: string
    /** Template of the path, where the caller gave one. */
    readonly route: string | undefined
    /** Undefined when no answer came. */
    readonly status: number | undefined
    readonly durationMs: number
    /** Code of what went wrong, if not an answer. */
    readonly error: string | undefined
    readonly resends: number
    /** The second attempt of a hedged pair. */
    readonly hedge: boolean
    readonly traceId: string | undefined
  }
  /** An inbound request was answered or refused, after so long. */
  served: {
    readonly method: string
    readonly route: string | undefined
    readonly status: number | undefined
    readonly durationMs: number
    readonly error: string | undefined
    readonly peer: string | undefined
    readonly traceId: string | undefined
  }
  /** The admin listener cannot listen, or not any more; the mesh goes on without it. */
  adminError: { readonly error: Error }
  /** The mesh is closed. */
  closed: Record<never, never>
  /** A listener threw; the call that it was told about went on. */
  listenerError: { readonly event: string; readonly error: unknown }
}

/** One typed listener list for everything that is not on a call's own way. A listener that throws harms no call. */
export class Events {
  readonly #listeners = new Map<keyof MeshEvents, Set<(event: never) => void>>()

  /** Adds a listener; the function that comes back removes it. */
  on<K extends keyof MeshEvents>(name: K, listener: (event: MeshEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(name)
    }
  }

  /** Whether anybody listens: ask before building an event on the path of a call. */
  heard(name: keyof MeshEvents): boolean {
    return this.#listeners.has(name)
  }

  emit<K extends keyof MeshEvents>(name: K, event: MeshEvents[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        ;(listener as (event: MeshEvents[K]) => void)(event)
      } catch (error) {
        if (name !== 'listenerError') this.emit('listenerError', { event: name, error })
      }
    }
  }
}
