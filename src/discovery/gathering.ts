import type { Clock, Timer } from '../base/clock.js'
import type { RawSnapshot } from './registry.js'

/** A service of so many endpoints is read only so often: it may change a hundred times a second. */
const LARGE = { endpoints: 1_000, gapMs: 50 } as const

/** What is malformed is not large: it is refused at once. */
export function isLarge(word: RawSnapshot): boolean {
  return Number.isFinite(word?.revision) && Array.isArray(word.endpoints) && word.endpoints.length >= LARGE.endpoints
}

/** Lets the words about a large service that follow each other closely pass as one, the last. */
export class Gathering {
  readonly #clock: Clock
  readonly #take: (word: RawSnapshot) => void
  #takenAt = -Infinity
  #latest: RawSnapshot | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, take: (word: RawSnapshot) => void) {
    this.#clock = clock
    this.#take = take
  }

  hear(word: RawSnapshot): void {
    this.#latest = word
    const waitMs = this.#takenAt + LARGE.gapMs - this.#clock.now()
    if (waitMs <= 0) this.flush()
    else this.#timer ??= this.#clock.after(waitMs, () => this.flush())
  }

  /** Lets pass what waits. */
  flush(): void {
    const word = this.#latest
    this.drop()
    if (word === undefined) return
    this.#takenAt = this.#clock.now()
    this.#take(word)
  }

  /** Forgets what waits: something newer has passed by another way, or nobody listens any more. */
  drop(): void {
    this.#timer?.cancel()
    this.#timer = this.#latest = undefined
  }
}
