import { LatencyHistogram } from './latency-histogram.js'

/** Half of what is recent is this old at most … */
const RECENT_MS = 5_000
/** … and half of what is usual is this old. */
const USUAL_MS = 300_000
/** Worked out anew at most this often. */
const REVIEW_MS = 100
/** Answers that it takes to speak of a percentile. */
const ENOUGH = 100
/** Answers that it takes to speak of a median. */
const ENOUGH_FOR_MEDIAN = 20
/** A service whose median is so many times the usual one is slow as a whole: another endpoint would be no faster, and only busier. */
const SLOW_FACTOR = 2

/** When a second attempt is worth it: learns how long the answers of one service take, lately and usually. */
export class HedgePace {
  readonly #percentile: number
  readonly #recent = new LatencyHistogram()
  readonly #usual = new LatencyHistogram()
  #recentFadedAtMs = -Infinity
  #usualFadedAtMs = -Infinity
  #reviewedAtMs = -Infinity
  #delayMs = Infinity

  constructor(percentile: number) {
    this.#percentile = percentile
  }

  /** A first attempt was answered well after so long, or given up then for another one. */
  observe(latencyMs: number): void {
    this.#recent.observe(latencyMs)
    this.#usual.observe(latencyMs)
  }

  /** How long to wait for an answer before asking elsewhere too; Infinity for ever. */
  delayMs(nowMs: number): number {
    if (nowMs - this.#reviewedAtMs >= REVIEW_MS) {
      this.#reviewedAtMs = nowMs
      this.#recentFadedAtMs = fadeUntil(nowMs, this.#recent, this.#recentFadedAtMs, RECENT_MS)
      this.#usualFadedAtMs = fadeUntil(nowMs, this.#usual, this.#usualFadedAtMs, USUAL_MS)
      this.#delayMs = this.#review()
    }
    return this.#delayMs
  }

  #review(): number {
    if (this.#usual.count < ENOUGH) return Infinity
    if (this.#recent.count >= ENOUGH_FOR_MEDIAN && this.#recent.percentileMs(0.5) > SLOW_FACTOR * this.#usual.percentileMs(0.5)) {
      return Infinity
    }
    return (this.#recent.count < ENOUGH ? this.#usual : this.#recent).percentileMs(this.#percentile)
  }
}

/** Halves a histogram once for each period that has passed; gives the moment until which that is done. */
function fadeUntil(nowMs: number, histogram: LatencyHistogram, fadedAtMs: number, periodMs: number): number {
  if (fadedAtMs === -Infinity) return nowMs
  const periods = Math.floor((nowMs - fadedAtMs) / periodMs)
  if (periods > 0) histogram.fade(0.5 ** periods)
  return fadedAtMs + periods * periodMs
}
