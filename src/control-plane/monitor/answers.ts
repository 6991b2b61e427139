// What the monitor answers, as it stands in its JSON. Durations are milliseconds, times milliseconds since the Unix epoch.
import type { Span } from './span.js'

/** How it went, within the window that was asked about. */
export interface Figures {
  readonly count: number
  readonly errors: number
  readonly perSec: number
  /** 0–1; 1 when there is nothing to judge. */
  readonly successRatio: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What a service answered. */
export interface ServiceRow extends Figures {
  readonly service: string
  /** Requests turned away for want of identity or right. */
  readonly denied: number
  /** How many are registered; of a service that the registry knows nothing of, how many were tried within the window. */
  readonly instances: number
  /** When its last span of any kind ended; null when none came. */
  readonly lastSeenAt: number | null
}

/** Who calls whom. The figures are those of attempts. */
export interface EdgeRow extends Figures {
  readonly caller: string
  readonly callee: string
  readonly calls: number
  readonly attempts: number
  readonly retries: number
  readonly hedges: number
  /** Whether the callee has verified who the caller is. */
  readonly mutual: boolean
}

/** Why an instance was picked; null is what the caller's algorithm does not know. */
export interface Pick {
  readonly at: number
  readonly costMs: number | null
  readonly latencyMs: number | null
  readonly successRatio: number | null
  readonly inFlight: number | null
  readonly ramp: number | null
  readonly weight: number | null
  readonly report: number | null
  readonly stalled: boolean
  readonly candidates: number | null
  readonly excluded: number | null
}

export type InstanceStatus = 'passing' | 'critical' | 'draining'

/** One instance as its callers know it and as the registry has it. */
export interface InstanceRow extends Omit<Figures, 'successRatio'> {
  readonly service: string
  readonly id: string
  readonly address: string | null
  readonly zone: string | null
  readonly weight: number | null
  readonly version: string | null
  /** `gone`: its service is or was in this registry and it is not. `unregistered`: the registry knows nothing of its service. */
  readonly status: InstanceStatus | 'gone' | 'unregistered'
  /** Its part of the attempts on the service, 0–1. */
  readonly share: number
  readonly lastSeenAt: number | null
  /** `pick`: from the caller's newest attempt. */
  readonly callers: readonly { readonly caller: string; readonly count: number; readonly pick: Pick | null }[]
}

/** A request that was turned away for want of identity or right. */
export interface DenialRow {
  readonly at: number
  readonly service: string
  /** Null when it could not show who it is. */
  readonly caller: string | null
  readonly address: string | null
  readonly status: number | null
  readonly code: string
  /** For the operator: which rule, or what is wrong with the token. */
  readonly reason: string | null
  readonly method: string | null
  readonly path: string | null
  readonly traceId: string
}

/** One trace in a list. */
export interface TraceRow {
  readonly traceId: string
  /** Of its root, or of the first span while the root has not come. */
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

export interface Trace {
  readonly traceId: string
  readonly spans: readonly Span[]
}

/** How much is held. */
export interface Memory {
  readonly spans: number
  readonly traces: number
  readonly spanBytes: number
  readonly maxSpanBytes: number
  readonly series: number
  readonly maxSeries: number
  readonly seriesBytes: number
  readonly maxSeriesBytes: number
  readonly statistics: number
  readonly maxStatistics: number
  readonly statisticsBytes: number
}
