/** Work that waits for a slot, or occupies one. */
export interface Job {
  /** Gives it up while it waits; what occupies a slot goes on to its end. */
  drop(): void
}

interface Waiting {
  readonly workMs: number
  readonly done: () => void
}

/**
 * The capacity of one server: so many slots, first come, first served. Work is time and no CPU, so that many servers fit on
 * few cores and queue at themselves, not at the machine.
 */
export class WorkQueue {
  readonly #slots: number
  readonly #speed: () => number
  readonly #waiting = new Set<Waiting>()
  #busy = 0

  /** `speed` is asked whenever work begins: 2 does it in half the time. */
  constructor(slots: number, speed: () => number) {
    this.#slots = slots
    this.#speed = speed
  }

  add(workMs: number, done: () => void): Job {
    const job = { workMs, done }
    if (this.#busy < this.#slots) this.#begin(job)
    else this.#waiting.add(job)
    return { drop: () => void this.#waiting.delete(job) }
  }

  #begin({ workMs, done }: Waiting): void {
    this.#busy++
    setTimeout(() => {
      this.#busy--
      // The oldest: a set keeps the order in which it was filled.
      for (const next of this.#waiting) {
        this.#waiting.delete(next)
        this.#begin(next)
        break
      }
      done()
    }, workMs / this.#speed())
  }
}
