import type { InstanceRow, ServiceRow } from '../control-plane/monitor/answers.js'
import { paintOfCount, paintOfRatio, type Style } from './colour.js'
import { drawTable, type Cell, type Column, type TableLook } from './table.js'
import { ago, duration, orNone, percent, plain, rate, whole } from './units.js'

/** One line for each service: what it answered. */
export function serviceTable(rows: readonly ServiceRow[], nowMs: number, look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<ServiceRow>[] = [
    { head: 'SERVICE', cell: ({ service }) => service, least: 8 },
    { head: 'INSTANCES', align: 'right', rank: 3, cell: ({ instances }) => whole(instances) },
    { head: 'RATE', align: 'right', cell: ({ perSec }) => rate(perSec) },
    { head: 'SUCCESS', align: 'right', cell: (row) => successOf(row, style) },
    { head: 'ERRORS', align: 'right', rank: 4, cell: ({ errors }) => ({ text: whole(errors), paint: paintOfCount(style, errors) }) },
    { head: 'P50', align: 'right', rank: 2, cell: ({ p50Ms, count }) => duration(count === 0 ? null : p50Ms) },
    { head: 'P99', align: 'right', rank: 1, cell: ({ p99Ms, count }) => duration(count === 0 ? null : p99Ms) },
    { head: 'DENIED', align: 'right', rank: 5, cell: ({ denied }) => ({ text: whole(denied), paint: paintOfCount(style, denied) }) },
    { head: 'LAST SEEN', align: 'right', rank: 6, cell: ({ lastSeenAt }) => ({ text: ago(lastSeenAt, nowMs), paint: style.dim }) },
  ]
  return drawTable(columns, rows, look)
}

/** One line for each instance of a service, as its callers saw it. */
export function instanceTable(rows: readonly InstanceRow[], nowMs: number, look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<InstanceRow>[] = [
    { head: 'INSTANCE', cell: ({ id }) => id, least: 10 },
    { head: 'STATUS', cell: ({ status }) => ({ text: orNone(status), paint: paintOfStatus(style, status) }) },
    { head: 'ADDRESS', rank: 4, least: 12, cell: ({ address }) => orNone(address) },
    { head: 'ZONE', onlyIfAny: true, rank: 7, least: 6, cell: ({ zone }) => orNone(zone) },
    { head: 'VERSION', onlyIfAny: true, rank: 8, least: 6, cell: ({ version }) => orNone(version) },
    { head: 'WEIGHT', align: 'right', rank: 5, cell: ({ weight }) => plain(weight) },
    { head: 'SHARE', align: 'right', rank: 3, cell: ({ share, count }) => percent(count === 0 ? null : share) },
    { head: 'RATE', align: 'right', cell: ({ perSec }) => rate(perSec) },
    { head: 'SUCCESS', align: 'right', cell: ({ count, errors }) => successOf({ count, successRatio: (count - errors) / count }, style) },
    { head: 'P50', align: 'right', rank: 2, cell: ({ p50Ms, count }) => duration(count === 0 ? null : p50Ms) },
    { head: 'P99', align: 'right', rank: 1, cell: ({ p99Ms, count }) => duration(count === 0 ? null : p99Ms) },
    { head: 'LAST SEEN', align: 'right', rank: 6, cell: ({ lastSeenAt }) => ({ text: ago(lastSeenAt, nowMs), paint: style.dim }) },
  ]
  return drawTable(columns, rows, look)
}

/** A share of successes in its colour; none where there was nothing to succeed. */
export function successOf({ count, successRatio }: { readonly count: number; readonly successRatio: number | null }, style: Style): Cell {
  const ratio = count === 0 ? null : successRatio
  return { text: percent(ratio), paint: paintOfRatio(style, ratio) }
}

function paintOfStatus(style: Style, status: InstanceRow['status']): Cell['paint'] {
  return { passing: style.good, draining: style.warn, critical: style.bad, gone: style.dim, unregistered: undefined }[status]
}
