import type { Comparison, Figures } from '../comparison.js'
import { summaryOf } from './summary.js'

/** Everything as one object; the same seed gives the same bytes. */
export function jsonOf(seed: number, policies: readonly string[], comparisons: readonly Comparison[]): string {
  const scenarios = comparisons.map(({ scenario, referenceP99Ms, figures }) => {
    const rounded = Object.entries(figures).map(([policy, each]) => [policy, roundedFigures(each)])
    return [scenario, { referenceP99Ms: round(referenceP99Ms), ...Object.fromEntries(rounded) }]
  })
  const summaries = policies.map((policy) => {
    const { geomeanP99, worstP99, geomeanP999, worstP999 } = summaryOf(policy, comparisons)
    const rounded = { geomeanP99: round(geomeanP99), worstP99: round(worstP99) }
    return [policy, { ...rounded, geomeanP999: round(geomeanP999), worstP999: round(worstP999) }]
  })
  return JSON.stringify({ seed, policies: Object.fromEntries(summaries), scenarios: Object.fromEntries(scenarios) }, null, 2)
}

function roundedFigures({ p50, p99, p999, errorRatio }: Figures): Figures {
  return { p50: round(p50), p99: round(p99), p999: round(p999), errorRatio: Number(errorRatio.toFixed(6)) }
}

function round(value: number): number {
  return Number(value.toFixed(4))
}
