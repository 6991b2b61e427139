/** So many second attempts may be saved up: more would be a burst when everything becomes slow at once. */
const MOST_SAVED = 5

/** Bounds second attempts to a share of the calls: each call earns its part of one, and little is saved. */
export class HedgeCap {
  readonly #ratio: number
  #saved = 0

  constructor(ratio: number) {
    this.#ratio = ratio
  }

  /** A call begins. */
  deposit(): void {
    this.#saved = Math.min(MOST_SAVED, this.#saved + this.#ratio)
  }

  /** Whether a second attempt may be made now; if so, it counts as made. */
  withdraw(): boolean {
    // Parts that were added up make the whole only nearly.
    if (this.#saved < 1 - 1e-9) return false
    this.#saved--
    return true
  }
}
