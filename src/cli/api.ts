// What the control plane tells, as its HTTP API has it. Times are milliseconds since the Unix epoch.

/** What a service answered. */
export interface ServiceRow {
  readonly service: string
  readonly count: number
  readonly errors: number
  readonly perSec: number
  readonly successRatio: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Requests that were refused because of who asked. */
  readonly denied: number
  readonly instances: number
  readonly lastSeenAt: number | null
}

/** How a service's calls to another went; `count`, `errors` and the percentiles are of attempts. */
export interface EdgeRow {
  readonly caller: string
  readonly callee: string
  readonly calls: number
  readonly attempts: number
  readonly retries: number
  readonly hedges: number
  readonly count: number
  readonly errors: number
  readonly perSec: number
  readonly successRatio: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** The callee has seen who the caller is. */
  readonly mutual: boolean
}

/** Why an instance was picked, from the newest attempt. */
export interface PickRow {
  readonly at: number
  readonly costMs?: number | null
  readonly latencyMs?: number | null
  readonly successRatio?: number | null
  readonly inFlight?: number | null
  readonly ramp?: number | null
  readonly weight?: number | null
  readonly report?: number | null
  readonly stalled?: boolean
  readonly candidates?: number | null
  readonly excluded?: number | null
}

export interface InstanceRow {
  readonly service: string
  readonly id: string
  readonly address: string | null
  readonly zone: string | null
  readonly weight: number | null
  readonly version: string | null
  readonly status: 'passing' | 'critical' | 'draining' | 'gone'
  readonly count: number
  readonly errors: number
  readonly perSec: number
  /** Of the service's attempts, 0–1. */
  readonly share: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly lastSeenAt: number | null
  readonly callers: readonly { readonly caller: string; readonly count: number; readonly pick: PickRow | null }[]
}

export interface DenialRow {
  readonly at: number
  readonly service: string
  /** Null when it could not show who it is. */
  readonly caller: string | null
  readonly address: string | null
  readonly status: number | null
  readonly code: string | null
  readonly reason: string | null
  readonly method: string | null
  readonly path: string | null
  readonly traceId: string
}

export interface TraceRow {
  readonly traceId: string
  readonly name: string
  readonly service: string
  readonly services: readonly string[]
  readonly spans: number
  readonly failed: boolean
  readonly startAt: number
  readonly durationMs: number
  readonly attempts: number
  readonly retries: number
  readonly hedges: number
}

/** An attempt of a caller, or a request as its callee saw it. */
export interface TapEvent {
  readonly at: number
  readonly kind: 'attempt' | 'request'
  readonly caller: string | null
  readonly callee: string
  readonly instance: string | null
  readonly method: string | null
  readonly route: string | null
  readonly status: number | null
  readonly durationMs: number
  readonly error: string | null
  readonly resends: number
  readonly hedge: boolean
  readonly traceId: string | null
}
