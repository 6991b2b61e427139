import type { LoadReport } from '../call/load-report.js'

/** Weight that a report has at least in what is usual, by its number: as for latency, which is compared with it. */
const SETTLING_REPORTS = 24
/** How much a report counts at most: as the square root of how much more there is to do than usual. */
const EXPONENT = 0.5
/** Requests that make no difference: from none to one is no doubling of the work. */
const UNNOTICED = 3
/** A report is worth this many answers' time: what it told of has then long been worked off. */
const LIFETIME_RATIO = 10
const MOST_UTILIZATION = 0.95

/**
 * What an endpoint says about its load itself, beside what it usually says: what is usual there is in its mean latency already,
 * and a fast endpoint with much to do is not a slow one. One that says nothing is neither preferred nor avoided.
 */
export class ReportedLoad {
  #queue = 0
  #usual = 0
  #reports = 0
  #atMs = 0
  #freeAtMs = -Infinity

  /** Requests in flight there by the last report; undefined when there was none. */
  get queue(): number | undefined {
    return this.#reports === 0 ? undefined : this.#queue
  }

  observe({ inFlight, utilization }: LoadReport, nowMs: number): void {
    this.#queue = inFlight ?? queueOf(utilization!)
    this.#reports++
    this.#usual += (this.#queue - this.#usual) / Math.min(SETTLING_REPORTS, this.#reports)
    this.#atMs = nowMs
  }

  /** It has refused, since a request would have taken so long there. */
  spilled(expectedMs: number, nowMs: number): void {
    this.#freeAtMs = nowMs + expectedMs
  }

  /** How long a request would take there by the last refusal: what it had to do then is being worked off. */
  expectedMsAt(nowMs: number): number {
    return this.#freeAtMs - nowMs
  }

  /** Factor of its cost: 1 for what is usual there, and in the end for every report that has grown old. */
  factorAt(nowMs: number, fleetMs: number): number {
    if (this.#reports === 0 || fleetMs === 0) return 1
    const worth = Math.exp((this.#atMs - nowMs) / (LIFETIME_RATIO * fleetMs))
    return ((this.#queue + UNNOTICED) / (this.#usual + UNNOTICED)) ** (EXPONENT * worth)
  }
}

/** How many requests there are at a server that is busy for this share of its time (M/M/1). */
function queueOf(utilization: number): number {
  const share = Math.min(utilization, MOST_UTILIZATION)
  return share / (1 - share)
}
