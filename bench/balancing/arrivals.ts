import { seededRandom } from '../../src/base/random.js'
import { exponential } from '../sim/engine/distributions.js'

/** One request of a plan: when it is due, who sends it and how much work it is at speed 1. */
export interface Arrival {
  readonly atMs: number
  readonly caller: number
  readonly workMs: number
}

export interface Plan {
  readonly ratePerSec: number
  readonly meanWorkMs: number
  readonly callers: number
  readonly durationMs: number
  readonly seed: number
}

/** Requests that come at random (Poisson), however the last ones fared; the same for the same seed. */
export function arrivalsOf({ ratePerSec, meanWorkMs, callers, durationMs, seed }: Plan): readonly Arrival[] {
  const random = seededRandom(seed)
  const [gap, work] = [exponential(1000 / ratePerSec), exponential(meanWorkMs)]
  const arrivals: Arrival[] = []
  for (let atMs = gap(random); atMs < durationMs; atMs += gap(random)) {
    arrivals.push({ atMs, caller: Math.floor(random() * callers), workMs: work(random) })
  }
  return arrivals
}
