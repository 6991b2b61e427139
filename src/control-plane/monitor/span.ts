export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** A value of an attribute; lists and maps are kept as JSON text. */
export type AttributeValue = string | number | boolean

export type Attributes = Readonly<Record<string, AttributeValue>>

export interface Span {
  readonly traceId: string
  readonly spanId: string
  /** Undefined for the root. */
  readonly parentSpanId: string | undefined
  /** The service that sent it. */
  readonly service: string
  readonly name: string
  readonly kind: SpanKind
  /** Milliseconds since the Unix epoch, exact to the microsecond. */
  readonly startAt: number
  readonly durationMs: number
  readonly failed: boolean
  readonly statusMessage: string
  readonly attributes: Attributes
  readonly events: readonly { readonly name: string; readonly at: number; readonly attributes: Attributes }[]
}
