import type { EndpointReport } from '../endpoint-report.js'
import { paintOfRatio } from './colour.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { duration, orNone, percent, plain, whole } from './units.js'

/** What one more request costs, by the parts that the tables show. */
export const COST_FORMULA = 'cost = latency × (in flight + 1) / success³ / ramp / weight × report; the least is picked'

/** One line for each endpoint, as one process sees it: the parts of its score and what they make. */
export function endpointTable(rows: readonly EndpointReport[], look: TableLook): readonly string[] {
  const { style } = look
  const paintOfState = { ready: style.good, draining: style.warn, ejected: style.bad } as const
  const columns: Column<EndpointReport>[] = [
    { head: 'ENDPOINT', cell: ({ id }) => id, least: 10 },
    { head: 'STATE', cell: ({ state }) => ({ text: state, paint: paintOfState[state] }) },
    { head: 'COST', align: 'right', cell: ({ score }) => duration(score?.costMs) },
    { head: 'LATENCY', align: 'right', rank: 1, cell: ({ score }) => duration(score?.latencyMs) + (score?.stalled ? ' stalled' : '') },
    { head: 'IN FLIGHT', align: 'right', rank: 2, cell: ({ inFlight }) => whole(inFlight) },
    { head: 'SUCCESS', align: 'right', rank: 3, cell: ({ successRatio }) => ({ text: percent(successRatio), paint: paintOfRatio(style, successRatio) }) },
    { head: 'RAMP', align: 'right', rank: 5, cell: ({ score }) => plain(score?.ramp) },
    { head: 'WEIGHT', align: 'right', rank: 4, cell: ({ weight }) => plain(weight) },
    { head: 'REPORT', align: 'right', rank: 6, cell: ({ score }) => plain(score?.report) },
    { head: 'ADDRESS', rank: 7, least: 12, cell: ({ address }) => orNone(address) },
    { head: 'ZONE', onlyIfAny: true, rank: 9, least: 6, cell: ({ zone }) => orNone(zone) },
    { head: 'PRIORITY', align: 'right', rank: 8, cell: ({ priority }) => whole(priority) },
  ]
  return drawTable(columns, rows, look)
}
