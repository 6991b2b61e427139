import type { Style } from './colour.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { duration } from './units.js'

/** A span, as the control plane tells it. */
export interface TraceSpan {
  readonly spanId: string
  readonly parentSpanId?: string | null
  readonly service: string
  readonly name: string
  readonly kind: string
  readonly startAt: number
  readonly durationMs: number
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** A span in its place. */
interface Branch {
  readonly span: TraceSpan
  readonly depth: number
  /** Instance whose process made the span, as far as that is known. */
  readonly process: string
}

const TIMELINE_COLUMNS = 24
/** Whoever calls deeper than this calls in a circle, and its end would be off every screen. */
const MAX_INDENTS = 32

/** One line for each span: process, name, the part of the time that it took, how long that was, and what was special. */
export function drawWaterfall(spans: readonly TraceSpan[], look: TableLook): readonly string[] {
  const { style } = look
  const branches = branchesOf(spans)
  const startAt = branches.reduce((least, { span }) => Math.min(least, span.startAt), Infinity)
  const endAt = branches.reduce((most, { span }) => Math.max(most, span.startAt + span.durationMs), -Infinity)
  const columns: Column<Branch>[] = [
    { head: 'PROCESS', rank: 2, least: 8, cell: ({ process }) => process },
    { head: 'SPAN', least: 16, cell: (branch) => ({ text: labelOf(branch), paint: branch.span.failed ? style.bad : undefined }) },
    { head: 'WHEN', rank: 3, cell: ({ span }) => ({ text: timelineOf(span, startAt, endAt), paint: span.failed ? style.bad : style.good }) },
    { head: 'DURATION', align: 'right', cell: ({ span }) => duration(span.durationMs) },
    { head: 'NOTES', rank: 1, least: 10, cell: ({ span }) => ({ text: notesOf(span), paint: paintOf(span, style) }) },
  ]
  return drawTable(columns, branches, look)
}

/** The spans in the order of a walk from each root; one whose parent is not here is a root. Every span comes once. */
function branchesOf(spans: readonly TraceSpan[]): readonly Branch[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const children = childrenOf(spans)
  const roots = spans.filter(({ parentSpanId }) => parentSpanId == null || !ids.has(parentSpanId))
  // Spans that are each other's parents hang below no root.
  const walked = new Set<string>()
  const branches: Branch[] = []
  const walk = (from: readonly TraceSpan[]): void => {
    const open: Branch[] = latestFirst(from).map((span) => ({ span, depth: 0, process: span.service }))
    for (let branch = open.pop(); branch !== undefined; branch = open.pop()) {
      const { span, depth, process } = branch
      if (walked.has(span.spanId)) continue
      walked.add(span.spanId)
      branches.push(branch)
      for (const child of latestFirst(children.get(span.spanId) ?? [])) {
        open.push({ span: child, depth: depth + 1, process: child.kind === 'server' ? (instanceCalledBy(span) ?? child.service) : process })
      }
    }
  }
  walk(roots)
  walk(spans)
  return branches
}

function childrenOf(spans: readonly TraceSpan[]): ReadonlyMap<string, readonly TraceSpan[]> {
  const children = new Map<string, TraceSpan[]>()
  for (const span of spans) {
    if (span.parentSpanId == null) continue
    const siblings = children.get(span.parentSpanId) ?? []
    children.set(span.parentSpanId, siblings)
    siblings.push(span)
  }
  return children
}

function latestFirst(spans: readonly TraceSpan[]): TraceSpan[] {
  return [...spans].sort((a, b) => b.startAt - a.startAt)
}

function labelOf({ span, depth }: Branch): string {
  const indent = depth === 0 ? '' : `${'   '.repeat(Math.min(depth, MAX_INDENTS) - 1)}└─ `
  const called = instanceCalledBy(span)
  return indent + (called === undefined ? span.name : `${span.name} → ${called}`)
}

/** The registry's id without the name of its node: `users-1@sidecarless` → `users-1`. */
function instanceCalledBy({ attributes }: TraceSpan): string | undefined {
  const id = attributes?.['mesh.endpoint.id']
  return typeof id === 'string' ? id.split('@')[0] : undefined
}

function timelineOf({ startAt, durationMs }: TraceSpan, firstAt: number, lastAt: number): string {
  const columnMs = Math.max(lastAt - firstAt, Number.MIN_VALUE) / TIMELINE_COLUMNS
  const column = (at: number): number => Math.min(Math.max(Math.round((at - firstAt) / columnMs), 0), TIMELINE_COLUMNS)
  const from = Math.min(column(startAt), TIMELINE_COLUMNS - 1)
  const to = Math.max(column(startAt + durationMs), from + 1)
  return `${'·'.repeat(from)}${'━'.repeat(to - from)}${'·'.repeat(TIMELINE_COLUMNS - to)}`
}

function notesOf({ kind, attributes = {}, failed }: TraceSpan): string {
  const resends = attributes['http.request.resend_count']
  const status = attributes['http.response.status_code']
  const error = attributes['error.type'] ?? (failed ? 'failed' : undefined)
  return [
    ...(attributes['mesh.hedge'] === true ? ['hedge'] : []),
    ...(kind === 'client' && Number(resends) > 0 ? [`retry ${resends}`] : []),
    ...(status === undefined ? [] : [String(status)]),
    ...(error === undefined || error === String(status) ? [] : [String(error)]),
    ...(attributes['mesh.refusal.reason'] === undefined ? [] : [String(attributes['mesh.refusal.reason'])]),
  ].join(', ')
}

function paintOf({ failed, attributes = {} }: TraceSpan, style: Style): Style['bad'] | undefined {
  if (failed) return style.bad
  return attributes['mesh.hedge'] === true || Number(attributes['http.request.resend_count']) > 0 ? style.warn : undefined
}
