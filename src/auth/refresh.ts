import { backoffMs, type Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'

/** First after a second, so that an issuer which starts a little later is soon found; at most every half minute. */
const BACKOFF: Backoff = { baseMs: 1_000, maxMs: 30_000 }

/** One errand for everybody who waits for it; after a failure, none until its backoff is over. Runs only when asked. */
export class Refresh<T> {
  readonly #errand: () => Promise<T>
  readonly #clock: Clock
  readonly #random: Random
  #running: Promise<T> | undefined
  #failures = 0
  #notBefore = -Infinity
  #lastError: unknown

  constructor(errand: () => Promise<T>, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#errand = errand
    this.#clock = clock
    this.#random = random
  }

  /** Joins the errand that is under way, or starts one; while backing off, rejects with the last error. */
  run(): Promise<T> {
    if (this.#running !== undefined) return this.#running
    if (this.#clock.now() < this.#notBefore) return Promise.reject(this.#lastError)
    return (this.#running = this.#attempt().finally(() => (this.#running = undefined)))
  }

  /** As {@link run}, for somebody who can do without the result for now. */
  runInBackground(): void {
    this.run().catch(() => {})
  }

  async #attempt(): Promise<T> {
    try {
      const result = await this.#errand()
      this.#failures = 0
      return result
    } catch (error) {
      this.#lastError = error
      this.#notBefore = this.#clock.now() + backoffMs(BACKOFF, this.#failures++, this.#random)
      throw error
    }
  }
}
