import type { Rule } from './engine/policy.js'
import { Samples } from './engine/samples.js'
import type { Scenario } from './engine/scenario.js'
import { simulate } from './engine/simulation.js'
import { policies } from './policies.js'
import { centralQueue } from './references/central-queue.js'
import { shortestExpectedDelay } from './references/shortest-expected-delay.js'
import { scenarioOf } from './scenarios.js'

/** What one policy made of one scenario: latencies as multiples of the reference. */
export interface Figures {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly errorRatio: number
}

export interface Comparison {
  readonly scenario: string
  readonly about: string
  /** Whether it counts for the means. */
  readonly ranked: boolean
  readonly referenceP99Ms: number
  readonly figures: Readonly<Record<string, Figures>>
}

export interface ComparisonTask {
  readonly scenario: string
  readonly policies: readonly string[]
  readonly seeds: readonly number[]
  readonly scale: number
}

/**
 * Plays one scenario with several policies and sets each beside the reference: the better, at each percentile, of two that
 * know everything, the central queue and the shortest expected delay.
 */
export function compare({ scenario: name, policies: names, seeds, scale }: ComparisonTask): Comparison {
  const scenario = scenarioOf(name, scale)
  const references = [centralQueue, shortestExpectedDelay].map((client) => played(scenario, { client }, seeds))
  const best = (quantile: number): number => Math.min(...references.map((samples) => samples.quantile(quantile)))
  const [p50, p99, p999] = [best(0.5), best(0.99), best(0.999)]
  const figuresOf = (rule: Rule): Figures => {
    const samples = played(scenario, rule, seeds)
    return {
      p50: samples.quantile(0.5) / p50,
      p99: samples.quantile(0.99) / p99,
      p999: samples.quantile(0.999) / p999,
      errorRatio: samples.errorRatio,
    }
  }
  const figures = Object.fromEntries(names.map((policy) => [policy, figuresOf(policies[policy]!)]))
  return { scenario: name, about: scenario.about, ranked: scenario.ranked, referenceP99Ms: p99, figures }
}

/** The samples of all seeds together. */
function played(scenario: Scenario, rule: Rule, seeds: readonly number[]): Samples {
  const all = new Samples()
  for (const seed of seeds) all.addAll(simulate(scenario, rule, seed))
  return all
}
