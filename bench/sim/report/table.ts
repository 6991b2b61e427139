import type { Comparison, Figures } from '../comparison.js'
import { geomean, hasManyErrors, worst, type Percentile } from './summary.js'

/** Rows and columns of a table: the first row is its head, and the first column names the rows. */
export type Table = readonly (readonly string[])[]

export const percentileNames: Readonly<Record<Percentile, string>> = { p50: 'p50', p99: 'p99', p999: 'p99.9' }

/** Latencies at a percentile as multiples of the reference; `!` where more than 0.5 % failed. */
export function latencyTable(policies: readonly string[], comparisons: readonly Comparison[], percentile: Percentile): Table {
  const cell = (figures: Figures): string => ratio(figures[percentile]) + (hasManyErrors(figures) ? '!' : '')
  const rows = comparisons.map(({ scenario, referenceP99Ms, figures }) => [
    scenario,
    ...(percentile === 'p99' ? [referenceP99Ms.toFixed(1)] : []),
    ...policies.map((policy) => cell(figures[policy]!)),
  ])
  const summary = (name: string, of: typeof geomean): readonly string[] => [
    name,
    ...(percentile === 'p99' ? [''] : []),
    ...policies.map((policy) => ratio(of(policy, comparisons, percentile))),
  ]
  const head = [percentileNames[percentile], ...(percentile === 'p99' ? ['reference ms'] : []), ...policies]
  return [head, ...rows, summary('geometric mean', geomean), summary('worst', worst)]
}

/** Failed requests in per cent, of the scenarios where any policy had some. */
export function errorTable(policies: readonly string[], comparisons: readonly Comparison[]): Table {
  const failing = comparisons.filter(({ figures }) => policies.some((policy) => figures[policy]!.errorRatio > 0))
  const cell = (errorRatio: number): string => (errorRatio === 0 ? '0' : (100 * errorRatio).toFixed(errorRatio < 0.01 ? 3 : 1))
  return [
    ['errors %', ...policies],
    ...failing.map(({ scenario, figures }) => [scenario, ...policies.map((policy) => cell(figures[policy]!.errorRatio))]),
  ]
}

export function asText(table: Table): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')
  return table.map(line).join('\n')
}

export function asMarkdown(table: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  const [head, ...rows] = table
  return [line(head!), line(head!.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

function ratio(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)
}
