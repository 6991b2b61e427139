/** One attempt or one request that is over, as whoever taps it is told: no header field, no path and no body. */
export interface Tapped {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly kind: 'attempt' | 'request'
  /** Null for a request whose caller has not shown who it is. */
  readonly caller: string | null
  readonly callee: string
  /** Id of the instance that an attempt went to. */
  readonly instance: string | null
  readonly method: string | null
  readonly route: string | null
  readonly status: number | null
  readonly durationMs: number
  readonly error: string | null
  readonly resends: number
  /** The second attempt of a hedged pair. */
  readonly hedge: boolean
  /** Null where nobody records. */
  readonly traceId: string | null
}
