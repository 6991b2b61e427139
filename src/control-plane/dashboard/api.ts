// What the monitoring service answers; durations in milliseconds, times in milliseconds since the Unix epoch.
import type { Span } from '../monitor/span.js'

export type { AttributeValue, Span } from '../monitor/span.js'

export interface Figures {
  readonly count: number
  readonly errors: number
  readonly perSec: number
  readonly successRatio: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface ServiceRow extends Figures {
  readonly service: string
  readonly denied: number
  readonly instances: number
  readonly lastSeenAt: number
}

export interface EdgeRow extends Figures {
  readonly caller: string
  readonly callee: string
  readonly calls: number
  readonly attempts: number
  readonly retries: number
  readonly hedges: number
  /** The callee verified who the caller is. */
  readonly mutual: boolean
}

/** What a caller knew of an instance when it last chose it. */
export interface Pick {
  readonly at: number
  readonly costMs?: number | null
  readonly latencyMs?: number | null
  readonly successRatio?: number | null
  readonly inFlight?: number | null
  readonly ramp?: number | null
  readonly weight?: number | null
  readonly report?: number | null
  readonly stalled?: boolean | null
  readonly candidates?: number | null
  readonly excluded?: number | null
}

export interface InstanceRow extends Omit<Figures, 'successRatio'> {
  readonly service: string
  readonly id: string
  readonly address: string | null
  readonly zone?: string | null
  readonly weight?: number | null
  readonly version?: string | null
  /** `gone`: it is in the registry no more. `unregistered`: the registry never had its service. */
  readonly status: 'passing' | 'critical' | 'draining' | 'gone' | 'unregistered'
  /** Its part of the attempts at its service. */
  readonly share: number
  readonly lastSeenAt: number | null
  readonly callers: readonly { readonly caller: string; readonly count: number; readonly pick: Pick | null }[]
}

export interface DenialRow {
  readonly at: number
  readonly service: string
  /** Null when it could not show who it is. */
  readonly caller: string | null
  readonly address: string | null
  readonly status: number | null
  readonly code: string
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

export interface Trace {
  readonly traceId: string
  readonly spans: readonly Span[]
}

export interface Memory {
  readonly spans: number
  readonly traces: number
  readonly spanBytes: number
  readonly maxSpanBytes: number
}

/** The path of a question; what is undefined or empty is left out. */
export function ask(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const given = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') given.set(name, String(value))
  const text = given.toString()
  return text === '' ? path : `${path}?${text}`
}
