import type { Condition } from './condition.js'

/** The condition of one process at one time. */
export interface Sample extends Omit<Condition, 'unhandled'> {
  readonly atMin: number
}

export interface Trend {
  /** MiB an hour, by the line of least squares through what counts; NaN for fewer than two samples. */
  readonly rssSlope: number
  /** The least in the middle third and in the last one. */
  readonly handles: readonly [number, number]
  readonly descriptors: readonly [number, number]
  readonly heapMiB: readonly [number, number]
}

/** Minutes in which caches fill and the compiler is at work. */
export const WARM_MIN = 15
export const MAX_RSS_SLOPE = 1

/** What grows without an end never comes down to where it was: so the floors of two parts are compared, and not their middles. */
export function trendOf(samples: readonly Sample[], fromMin = WARM_MIN): Trend {
  const third = Math.floor(samples.length / 3)
  const parts = [samples.slice(third, 2 * third), samples.slice(2 * third)]
  const floors = (value: (sample: Sample) => number): [number, number] => parts.map((part) => Math.min(...part.map(value))) as [number, number]
  return {
    rssSlope: slopePerHour(samples.filter(({ atMin }) => atMin >= fromMin)),
    handles: floors(({ handles }) => handles),
    descriptors: floors(({ descriptors }) => descriptors),
    heapMiB: floors(({ heapMiB }) => heapMiB),
  }
}

/** How many more may be there in the last third than in the middle one: connections differ with what the faults have left standing. */
export function areFlat([middle, last]: Trend['handles']): boolean {
  return last <= 1.2 * middle + 10
}

function slopePerHour(samples: readonly Sample[]): number {
  const mean = (value: (sample: Sample) => number): number => samples.reduce((sum, sample) => sum + value(sample), 0) / samples.length
  const [meanMin, meanRss] = [mean(({ atMin }) => atMin), mean(({ rssMiB }) => rssMiB)]
  const covariance = mean(({ atMin, rssMiB }) => (atMin - meanMin) * (rssMiB - meanRss))
  return (60 * covariance) / mean(({ atMin }) => (atMin - meanMin) ** 2)
}
