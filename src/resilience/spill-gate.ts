/** Weight that a sample has at least: the time per request moves with the server, what waiting does to it moves slowly. */
const TIME_WEIGHT = 1 / 30
const TREND_WEIGHT = 1 / 300
/** So many requests it takes to know anything. */
const LEAST_SAMPLES = 50
/** A refusal must be worth its way: so much longer than elsewhere it has to take here. */
const MARGIN = 1.25
/** Work is waiting where what is in flight explains this share of the time that a request takes elsewhere. */
const WAITING_SHARE = 0.3
const LEAST_VARIANCE = 0.05

/**
 * Decides at a server whether a request that has just come would wait there while others are freer. How long it would take is learned
 * from those before it: time per request in flight, times what is in flight now. That is so only where more in flight means
 * longer, which is learned as well, as the slope of time over what was in flight on arrival: a server whose requests do not wait for
 * each other refuses nothing. It knows no slots, no cores and nobody else's load.
 */
export class SpillGate {
  #samples = 0
  #msPerInFlight = 0
  #meanInFlight = 0
  #meanMs = 0
  #covariance = 0
  #variance = 0

  /** A request was answered that had found `inFlight` others on its arrival. */
  observe(inFlight: number, tookMs: number): void {
    this.#samples++
    const timeWeight = Math.max(1 / this.#samples, TIME_WEIGHT)
    this.#msPerInFlight += timeWeight * (tookMs / (inFlight + 1) - this.#msPerInFlight)
    const weight = Math.max(1 / this.#samples, TREND_WEIGHT)
    const apart = inFlight - this.#meanInFlight
    this.#meanInFlight += weight * apart
    this.#meanMs += weight * (tookMs - this.#meanMs)
    // Exponentially weighted, in one pass (Finch 2009).
    this.#covariance += weight * (apart * (tookMs - this.#meanMs) - this.#covariance)
    this.#variance += weight * (apart * (inFlight - this.#meanInFlight) - this.#variance)
  }

  /** How long a request would take that finds `inFlight` others. */
  expectedMs(inFlight: number): number {
    return this.#msPerInFlight * (inFlight + 1)
  }

  /** Whether a request that finds `inFlight` others should go elsewhere, where its caller expects it to take `elsewhereMs`. */
  refuses(inFlight: number, elsewhereMs: number): boolean {
    if (this.#samples < LEAST_SAMPLES || this.expectedMs(inFlight) <= MARGIN * elsewhereMs) return false
    return this.#slope() * inFlight > WAITING_SHARE * elsewhereMs
  }

  /** How much longer one more in flight makes it. */
  #slope(): number {
    return this.#variance < LEAST_VARIANCE ? 0 : this.#covariance / this.#variance
  }
}
