import type { EdgeRow } from '../control-plane/monitor/answers.js'
import { paintOfCount } from './colour.js'
import { successOf } from './service-table.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { duration, orNone, rate, whole } from './units.js'

/** One line for each pair of caller and callee. */
export function edgeTable(rows: readonly EdgeRow[], look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<EdgeRow>[] = [
    { head: 'CALLER', cell: ({ caller }) => orNone(caller), least: 8 },
    { head: 'CALLEE', cell: ({ callee }) => callee, least: 8 },
    { head: 'RATE', align: 'right', cell: ({ perSec }) => rate(perSec) },
    { head: 'SUCCESS', align: 'right', cell: (row) => successOf(row, style) },
    { head: 'CALLS', align: 'right', rank: 4, cell: ({ calls }) => whole(calls) },
    { head: 'ATTEMPTS', align: 'right', rank: 6, cell: ({ attempts }) => whole(attempts) },
    { head: 'RETRIES', align: 'right', rank: 3, cell: ({ retries }) => ({ text: whole(retries), paint: retries > 0 ? style.warn : style.dim }) },
    { head: 'HEDGES', align: 'right', rank: 5, cell: ({ hedges }) => ({ text: whole(hedges), paint: hedges > 0 ? undefined : style.dim }) },
    { head: 'ERRORS', align: 'right', rank: 7, cell: ({ errors }) => ({ text: whole(errors), paint: paintOfCount(style, errors) }) },
    { head: 'P50', align: 'right', rank: 2, cell: ({ p50Ms, count }) => duration(count === 0 ? null : p50Ms) },
    { head: 'P99', align: 'right', rank: 1, cell: ({ p99Ms, count }) => duration(count === 0 ? null : p99Ms) },
    { head: 'IDENTITY', rank: 8, cell: ({ mutual }) => (mutual ? { text: 'shown', paint: style.good } : { text: 'not seen', paint: style.dim }) },
  ]
  return drawTable(columns, rows, look)
}
