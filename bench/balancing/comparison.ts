import { OURS } from './rules.js'
import type { Played } from './stage.js'

/** What one rule made of one scenario: medians of the rounds. */
export interface Figures {
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of all rounds together. */
  readonly errorRatio: number
  readonly failures: Readonly<Record<string, number>>
  /** p99 over ours in the same round: the median of the rounds, and the least and the most of them. Undefined without ours. */
  readonly p99Ratio: { readonly median: number; readonly least: number; readonly most: number } | undefined
}

export interface Comparison {
  readonly scenario: string
  readonly figures: Readonly<Record<string, Figures>>
}

/** The rounds of one scenario, by rule. */
export type Rounds = Readonly<Record<string, readonly Played[]>>

/**
 * Sets the rules side by side. Ratios are taken within a round, where the rules took turns on the same requests, so that they
 * hold on a machine whose speed drifts.
 */
export function compare(scenario: string, rounds: Rounds): Comparison {
  const ours = rounds[OURS]
  const figuresOf = (rule: string): Figures => {
    const played = rounds[rule]!
    const failures: Record<string, number> = {}
    for (const each of played) for (const [name, count] of Object.entries(each.failures)) failures[name] = (failures[name] ?? 0) + count
    const ratios = ours === undefined ? [] : played.map((each, i) => quantile(each, 0.99) / quantile(ours[i]!, 0.99))
    return {
      p50Ms: median(played.map((each) => quantile(each, 0.5))),
      p99Ms: median(played.map((each) => quantile(each, 0.99))),
      errorRatio: sum(Object.values(failures)) / sum(played.map(({ requests }) => requests)),
      failures,
      p99Ratio: ratios.length === 0 ? undefined : { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
    }
  }
  return { scenario, figures: Object.fromEntries(Object.keys(rounds).map((rule) => [rule, figuresOf(rule)])) }
}

function quantile({ latenciesMs }: Played, share: number): number {
  return latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(share * latenciesMs.length))] ?? 0
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
