import type { LoadReport } from '../call/load-report.js'

/** How much a report counts at most: the square root of how many times more it has to do than the others. */
const EXPONENT = 0.5
/** A report is worth this many answers' time: what it told of has then long been worked off. */
const LIFETIME_RATIO = 10
const MOST_UTILIZATION = 0.95

/** What an endpoint says about its load itself. One that says nothing is neither preferred nor avoided. */
export class ReportedLoad {
  #queue = 0
  #atMs = -Infinity

  /** Whether it has ever said anything. */
  get known(): boolean {
    return this.#atMs !== -Infinity
  }

  /** Requests in flight there by the last report. */
  get queue(): number {
    return this.#queue
  }

  observe({ inFlight, utilization }: LoadReport, nowMs: number): void {
    this.#queue = inFlight ?? queueOf(utilization!)
    this.#atMs = nowMs
  }

  /** Factor of its cost: 1 for what the mean of those that report has to do. */
  factorAt(nowMs: number, fleet: { readonly meanMs: number; readonly meanQueue: number }): number {
    if (!this.known || fleet.meanMs === 0) return 1
    const worth = Math.exp((this.#atMs - nowMs) / (LIFETIME_RATIO * fleet.meanMs))
    return ((this.#queue + 1) / (fleet.meanQueue + 1)) ** (EXPONENT * worth)
  }
}

/** How many requests there are at a server that is busy for this share of its time (M/M/1). */
function queueOf(utilization: number): number {
  const share = Math.min(utilization, MOST_UTILIZATION)
  return share / (1 - share)
}
