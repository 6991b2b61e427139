// Draws one trace: who caused what, in which process, and when.
import { milliseconds } from './terminal.js'

/** A span, as the control plane tells it. */
export interface Span {
  readonly spanId: string
  readonly parentSpanId?: string
  readonly service: string
  readonly name: string
  readonly kind: string
  readonly startAt: number
  readonly durationMs: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** A span in its place. */
export interface Branch {
  readonly span: Span
  readonly depth: number
  /** Instance whose process made the span. */
  readonly process: string
}

/** The spans of one trace in the order of a walk from its root; what is not connected to it is left out. */
export function branchesOf(spans: readonly Span[]): readonly Branch[] {
  const below = (parent: Span, depth: number, process: string): Branch[] => [
    { span: parent, depth, process },
    ...spans
      .filter(({ parentSpanId }) => parentSpanId === parent.spanId)
      .sort((a, b) => a.startAt - b.startAt)
      .flatMap((span) => below(span, depth + 1, span.kind === 'server' ? (instanceCalledBy(parent) ?? span.service) : process)),
  ]
  const root = spans.find(({ parentSpanId }) => parentSpanId === undefined)
  return root === undefined ? [] : below(root, 0, root.service)
}

const TIMELINE_WIDTH = 24

/** One line for each branch: process, name, the part of the time that it took, and how long that was. */
export function drawTree(branches: readonly Branch[]): readonly string[] {
  const root = branches[0]?.span
  if (root === undefined) return []
  const indent = (depth: number): string => (depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `)
  const labels = branches.map(({ span, depth }) => indent(depth) + labelOf(span))
  const labelWidth = Math.max(...labels.map(({ length }) => length))
  const processWidth = Math.max(...branches.map(({ process }) => process.length))
  return branches.map(({ span, process }, i) => {
    const left = `${process.padEnd(processWidth)}  ${labels[i]!.padEnd(labelWidth)}`
    return `${left}  ${timelineOf(span, root)}  ${milliseconds(span.durationMs).padStart(9)}`
  })
}

function labelOf(span: Span): string {
  const called = instanceCalledBy(span)
  return called === undefined ? span.name : `${span.name} → ${called}`
}

/** The registry's id without the name of its node: `users-1@sidecarless` → `users-1`. */
function instanceCalledBy({ attributes }: Span): string | undefined {
  const id = attributes['mesh.endpoint.id']
  return typeof id === 'string' ? id.split('@')[0] : undefined
}

function timelineOf(span: Span, root: Span): string {
  const columnMs = Math.max(root.durationMs, Number.MIN_VALUE) / TIMELINE_WIDTH
  const column = (at: number): number => Math.min(Math.max(Math.round((at - root.startAt) / columnMs), 0), TIMELINE_WIDTH)
  const from = Math.min(column(span.startAt), TIMELINE_WIDTH - 1)
  const to = Math.max(column(span.startAt + span.durationMs), from + 1)
  return `${'·'.repeat(from)}${'━'.repeat(to - from)}${'·'.repeat(TIMELINE_WIDTH - to)}`
}
