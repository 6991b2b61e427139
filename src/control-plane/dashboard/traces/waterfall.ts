// Puts the spans of a trace into the order and the places of a waterfall.
import type { AttributeValue, Span } from '../../monitor/span.js'

/** What an attempt is among those of its call. */
export interface Attempt {
  readonly kind: 'first' | 'retry' | 'hedge'
  /** 0 for the first. */
  readonly resends: number
  /** The instance that it went to. */
  readonly instance: string | undefined
}

export interface WaterfallRow {
  readonly span: Span
  readonly depth: number
  /** Where its bar begins and how long it is, as parts of the whole trace. */
  readonly startRatio: number
  readonly widthRatio: number
  /** Of CLIENT spans. */
  readonly attempt: Attempt | undefined
  /** In a word: the status, or what went wrong. */
  readonly result: string
}

export interface Waterfall {
  readonly rows: readonly WaterfallRow[]
  readonly startAt: number
  readonly durationMs: number
}

/** Callers above those whom they called. A span whose parent did not come stands for itself, and none is shown twice. */
export function waterfallOf(spans: readonly Span[]): Waterfall {
  if (spans.length === 0) return { rows: [], startAt: 0, durationMs: 0 }
  const startAt = Math.min(...spans.map((span) => span.startAt))
  const durationMs = Math.max(...spans.map((span) => span.startAt + span.durationMs)) - startAt
  const whole = Math.max(durationMs, Number.EPSILON)
  const known = new Set(spans.map(({ spanId }) => spanId))
  const children = new Map<string | undefined, Span[]>()
  for (const span of [...spans].sort((a, b) => a.startAt - b.startAt)) {
    const parent = span.parentSpanId !== undefined && known.has(span.parentSpanId) ? span.parentSpanId : undefined
    children.set(parent, [...(children.get(parent) ?? []), span])
  }
  const rows: WaterfallRow[] = []
  const placed = new Set<string>()
  const place = (span: Span, depth: number): void => {
    if (placed.has(span.spanId)) return
    placed.add(span.spanId)
    const startRatio = (span.startAt - startAt) / whole
    rows.push({ span, depth, startRatio, widthRatio: span.durationMs / whole, attempt: attemptOf(span), result: resultOf(span) })
    for (const child of children.get(span.spanId) ?? []) place(child, depth + 1)
  }
  for (const root of children.get(undefined) ?? []) place(root, 0)
  // Spans that name each other as parents have no root; they are shown all the same.
  for (const span of spans) place(span, 0)
  return { rows, startAt, durationMs }
}

function attemptOf({ kind, attributes }: Span): Attempt | undefined {
  if (kind !== 'client') return undefined
  const resends = Number(attributes['http.request.resend_count'] ?? 0)
  const isHedge = isTrue(attributes['mesh.hedge'])
  const address = attributes['network.peer.address']
  const port = attributes['network.peer.port']
  const instance = attributes['mesh.endpoint.id'] ?? (address === undefined ? undefined : `${address}${port === undefined ? '' : `:${port}`}`)
  return { kind: isHedge ? 'hedge' : resends > 0 ? 'retry' : 'first', resends, instance: instance?.toString() }
}

function resultOf({ attributes, failed, statusMessage }: Span): string {
  const error = attributes['error.type']
  const status = attributes['http.response.status_code']
  if (status !== undefined) return String(status)
  if (error !== undefined) return String(error).replace(/^MESH_ERR_/, '').toLowerCase().replaceAll('_', ' ')
  return failed ? statusMessage || 'failed' : ''
}

/** Some exporters write every value as text. */
export function isTrue(value: AttributeValue | undefined): boolean {
  return value === true || value === 'true'
}
