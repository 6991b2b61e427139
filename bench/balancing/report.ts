import { asMarkdown, asText, type Table } from '../sim/report/table.js'
import type { Arguments } from './arguments.js'
import { calmOf, percent, warningsOf } from './calm.js'
import type { Comparison, Figures } from './comparison.js'
import { OURS, rules } from './rules.js'
import { scenarios } from './scenarios.js'
import type { Played } from './stage.js'

export interface Report {
  readonly settings: Arguments
  /** The rules that could not run, and why. */
  readonly skipped: Readonly<Record<string, string>>
  /** Ids of the servers and the client, which are gone by now. */
  readonly processes: readonly number[]
  readonly comparisons: readonly Comparison[]
  readonly played: readonly Played[]
}

/** Everything, for a program to read. */
export function jsonOf({ settings, skipped, processes, comparisons, played }: Report): string {
  const { rounds, seed, durationMs } = settings
  const results = Object.fromEntries(comparisons.map(({ scenario, figures }) => [scenario, figures]))
  return JSON.stringify({ node: process.version, rounds, seed, durationMs, skipped, processes, calm: calmOf(played), scenarios: results }, null, 2)
}

/** Everything, for a person to read. */
export function textOf(report: Report): string {
  const { settings, skipped, comparisons, played } = report
  const { clientRatio, machineRatio, lateP99Ms } = calmOf(played)
  const names = settings.rules.filter((name) => skipped[name] === undefined)
  return [
    `${settings.rounds} rounds of ${settings.durationMs / 1000} s each, the rules taking turns, Node ${process.version}`,
    '',
    asText(tableOf(comparisons)),
    '',
    ...comparisons.map(({ scenario }) => `${scenario}: ${scenarios[scenario]!.about}; ${percent(scenarios[scenario]!.load)} load`),
    '',
    ...names.map((name) => `${name}: ${rules[name]!.about}. Hears who comes and goes ${rules[name]!.hears}`),
    ...Object.entries(skipped).map(([name, reason]) => `${name}: left out, ${reason}`),
    '',
    `client busy ${percent(clientRatio.median)} (most ${percent(clientRatio.most)}), machine busy ${percent(machineRatio.median)} (most ${percent(machineRatio.most)}), requests late ${lateP99Ms.median.toFixed(1)} ms at p99 (most ${lateP99Ms.most.toFixed(1)} ms)`,
    ...warningsOf(calmOf(played)).map((warning) => `WARNING: ${warning}`),
  ].join('\n')
}

/** The table as docs/balancing.md has it: without what exactly failed. */
export function markdownOf({ comparisons }: Report): string {
  return asMarkdown(tableOf(comparisons).map((row) => row.slice(0, -1)))
}

function tableOf(comparisons: readonly Comparison[]): Table {
  const head = ['scenario', 'rule', 'p50 ms', 'p99 ms', 'errors %', 'p99 ÷ ours', 'least to most', 'failures']
  const rows = comparisons.flatMap(({ scenario, figures }) =>
    Object.entries(figures).map(([rule, each], i) => [i === 0 ? scenario : '', rule, ...cellsOf(rule, each)]),
  )
  return [head, ...rows]
}

function cellsOf(rule: string, { p50Ms, p99Ms, errorRatio, p99Ratio, failures }: Figures): readonly string[] {
  const errors = errorRatio === 0 ? '0' : (100 * errorRatio).toFixed(errorRatio < 0.001 ? 3 : 2)
  const compared = rule !== OURS && p99Ratio !== undefined
  const ratios = compared ? [p99Ratio.median.toFixed(2), `${p99Ratio.least.toFixed(2)}–${p99Ratio.most.toFixed(2)}`] : [rule === OURS ? '1' : '', '']
  const happened = Object.entries(failures).map(([name, count]) => `${count} × ${name}`)
  return [p50Ms.toFixed(1), p99Ms.toFixed(1), errors, ...ratios, happened.join(', ')]
}
