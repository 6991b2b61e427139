import type { Clock } from '../../base/clock.js'

/** Ids that have been used, each remembered for as long as it could be used again. */
export class UsedOnce {
  readonly #ids = new Map<string, number>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether this is its first use. When too many are remembered, none is new: a flood costs tokens, not memory or a replay. */
  isFirst(id: string, untilMs: number): boolean {
    const now = this.#clock.epochMs()
    if (this.#ids.size >= MAX_IDS) this.#dropPast(now)
    if (this.#ids.has(id) || this.#ids.size >= MAX_IDS) return false
    this.#ids.set(id, untilMs)
    return true
  }

  #dropPast(now: number): void {
    for (const [id, untilMs] of this.#ids) if (untilMs <= now) this.#ids.delete(id)
  }
}

/** Five hundred services that ask for two hundred tokens each within two minutes. */
const MAX_IDS = 100_000
