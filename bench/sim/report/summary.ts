import type { Comparison, Figures } from '../comparison.js'

export interface Summary {
  readonly geomeanP99: number
  readonly worstP99: number
  readonly geomeanP999: number
  readonly worstP999: number
}

export type Percentile = 'p50' | 'p99' | 'p999'

/** What a mean is made of: the ranked scenarios; when none was played, all that were. */
export function counted(comparisons: readonly Comparison[]): readonly Comparison[] {
  const ranked = comparisons.filter((comparison) => comparison.ranked)
  return ranked.length > 0 ? ranked : comparisons
}

export function summaryOf(policy: string, comparisons: readonly Comparison[]): Summary {
  return {
    geomeanP99: geomean(policy, comparisons, 'p99'),
    worstP99: worst(policy, comparisons, 'p99'),
    geomeanP999: geomean(policy, comparisons, 'p999'),
    worstP999: worst(policy, comparisons, 'p999'),
  }
}

export function geomean(policy: string, comparisons: readonly Comparison[], percentile: Percentile): number {
  const ratios = ratiosOf(policy, comparisons, percentile)
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
}

export function worst(policy: string, comparisons: readonly Comparison[], percentile: Percentile): number {
  return Math.max(...ratiosOf(policy, comparisons, percentile))
}

/** More errors than this, and a latency says little: those who waited in vain are most of it. */
const MANY_ERRORS_RATIO = 0.005

export function hasManyErrors({ errorRatio }: Figures): boolean {
  return errorRatio > MANY_ERRORS_RATIO
}

function ratiosOf(policy: string, comparisons: readonly Comparison[], percentile: Percentile): readonly number[] {
  return counted(comparisons).map(({ figures }) => figures[policy]![percentile])
}
