import type { InstanceRow, Pick } from '../control-plane/monitor/answers.js'
import { paintOfRatio } from './colour.js'
import { COST_FORMULA } from './endpoint-table.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { ago, duration, NONE, percent, plain, whole } from './units.js'
import { lineOf } from './width.js'

interface Picked {
  readonly instance: string
  readonly count: number
  readonly pick: Pick | null
}

/** For each caller, what it knew of each instance when it last picked that one. */
export function pickTables(rows: readonly InstanceRow[], nowMs: number, look: TableLook): readonly string[] {
  const byCaller = new Map<string, Picked[]>()
  for (const { id, callers } of rows) {
    for (const { caller, count, pick } of callers ?? []) {
      byCaller.set(caller, [...(byCaller.get(caller) ?? []), { instance: id, count, pick }])
    }
  }
  const tables = [...byCaller].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([caller, picked]) => {
    const heading = `As ${caller} saw each when it last picked it:`
    return ['', lineOf(heading, look.width), ...pickTable(picked, nowMs, look)]
  })
  const hasCosts = rows.some(({ callers }) => callers?.some(({ pick }) => pick?.costMs != null))
  return hasCosts ? [...tables, look.style.dim(lineOf(COST_FORMULA, look.width))] : tables
}

function pickTable(rows: readonly Picked[], nowMs: number, look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<Picked>[] = [
    { head: 'INSTANCE', cell: ({ instance }) => instance, least: 10 },
    { head: 'ATTEMPTS', align: 'right', cell: ({ count }) => whole(count) },
    { head: 'COST', onlyIfAny: true, align: 'right', cell: ({ pick }) => duration(pick?.costMs) },
    { head: 'LATENCY', onlyIfAny: true, align: 'right', rank: 1, cell: ({ pick }) => duration(pick?.latencyMs) + (pick?.stalled ? ' stalled' : '') },
    { head: 'IN FLIGHT', onlyIfAny: true, align: 'right', rank: 2, cell: ({ pick }) => whole(pick?.inFlight) },
    { head: 'SUCCESS', onlyIfAny: true, align: 'right', rank: 3, cell: ({ pick }) => ({ text: percent(pick?.successRatio), paint: paintOfRatio(style, pick?.successRatio) }) },
    { head: 'RAMP', onlyIfAny: true, align: 'right', rank: 6, cell: ({ pick }) => plain(pick?.ramp) },
    { head: 'WEIGHT', onlyIfAny: true, align: 'right', rank: 5, cell: ({ pick }) => plain(pick?.weight) },
    { head: 'REPORT', onlyIfAny: true, align: 'right', rank: 7, cell: ({ pick }) => plain(pick?.report) },
    { head: 'CHOSEN AMONG', onlyIfAny: true, rank: 4, cell: ({ pick }) => choice(pick) },
    { head: 'WHEN', onlyIfAny: true, align: 'right', rank: 8, cell: ({ pick }) => ({ text: ago(pick?.at, nowMs), paint: style.dim }) },
  ]
  return drawTable(columns, rows, look)
}

/** `3`, or `2 (1 left out)`: ejected, draining, full or already tried. */
function choice(pick: Pick | null): string {
  if (pick?.candidates == null) return NONE
  return pick.excluded ? `${pick.candidates} (${pick.excluded} left out)` : String(pick.candidates)
}
