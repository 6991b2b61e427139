import { MAX_WINDOW_SEC } from './tally.js'

/** Something that is forgotten when it has been silent for longer than anybody can ask about. */
export interface Fading {
  readonly lastAt: number
}

const SWEEP_AT_MOST_EVERY_MS = 1_000

/** At most so many things by key. When it is full, silent ones make room; while none is silent, new ones are not kept. */
export class Bounded<T extends Fading> {
  readonly max: number
  readonly #byKey = new Map<string, T>()
  #sweptAt = 0

  constructor(max: number) {
    this.max = max
  }

  get size(): number {
    return this.#byKey.size
  }

  /** The one of this key, made if need be; undefined when it would be one too many. */
  at(key: string, now: number, make: () => T): T | undefined {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    if (this.#byKey.size >= this.max && !this.#hasRoomAt(now)) return undefined
    const made = make()
    this.#byKey.set(key, made)
    return made
  }

  get(key: string): T | undefined {
    return this.#byKey.get(key)
  }

  all(): Iterable<T> {
    return this.#byKey.values()
  }

  #hasRoomAt(now: number): boolean {
    // A sweep looks at everything, which must not be done for each of a flood of new keys.
    if (now - this.#sweptAt < SWEEP_AT_MOST_EVERY_MS) return false
    this.#sweptAt = now
    for (const [key, { lastAt }] of this.#byKey) if (lastAt < now - MAX_WINDOW_SEC * 1_000) this.#byKey.delete(key)
    return this.#byKey.size < this.max
  }
}
