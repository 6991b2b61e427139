/** Weight that an answer, or a call, has at least in what is usual. */
const WEIGHT = 1 / 100
const LEAST_ANSWERS = 20
/** What is answered sooner than this is not worth a second way to find something faster. */
const LEAST_MS = 2
/** Refusals a call, recently, above which everybody is busy, and nothing is gained by asking around. */
const MOST_REFUSALS = 0.6

/**
 * What a call may be offered for: the time that this client's requests usually take. An endpoint that would take longer may refuse it.
 * 0 while it is not known, not worth it, or while most of what is offered is refused: then all are busy.
 */
export class Offers {
  #answers = 0
  #meanMs = 0
  #refusals = 0

  /** A request was answered. */
  answered(latencyMs: number): void {
    this.#answers++
    this.#meanMs += Math.max(1 / this.#answers, WEIGHT) * (latencyMs - this.#meanMs)
    this.#refusals -= WEIGHT * this.#refusals
  }

  /** An endpoint has refused. */
  refused(): void {
    this.#refusals += WEIGHT
  }

  /** Expected elsewhere, in ms; 0 for no offer. */
  get priceMs(): number {
    const worthIt = this.#answers >= LEAST_ANSWERS && this.#meanMs >= LEAST_MS && this.#refusals < MOST_REFUSALS
    return worthIt ? this.#meanMs : 0
  }
}
