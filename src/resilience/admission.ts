import type { Priority } from '../call/priority.js'

/** How often it is decided anew. */
const ROUND_MS = 250
/** Everything is let in. */
const ALL = 2
/** What is left of the level by each round in which there was too much to do, and what comes back by each in which there was not. */
const DECREASE = 0.8
const INCREASE = 0.1

/**
 * How much is let in while there is too much to do: one level for all priorities, so that less and less of what is low comes in
 * until none does, and only then less of what is normal. It falls by a part and rises by a step, as the window of TCP does,
 * and so finds what can be borne and stays near it, where a limit alone would let all in and none in by turns.
 */
export class Admission {
  #level = ALL
  #roundAtMs = -Infinity
  /** What has been saved up for the next one that is let in. */
  readonly #credit = { normal: 0, low: 0 }

  /** Share of the requests of a priority, 0–1, that is let in. */
  share(priority: Priority): number {
    if (priority === 'critical') return 1
    return Math.max(0, Math.min(1, priority === 'low' ? this.#level - 1 : this.#level))
  }

  /** Takes notice of how it stands. */
  observe(tooMuch: () => boolean, nowMs: number): void {
    const rounds = Math.floor((nowMs - this.#roundAtMs) / ROUND_MS)
    if (rounds === 0) return
    this.#roundAtMs = nowMs
    this.#level = tooMuch() ? this.#level * DECREASE : Math.min(ALL, this.#level + INCREASE * rounds)
  }

  /** Whether this one is let in: of every so many one, and not by lot. */
  admits(priority: Priority): boolean {
    const share = this.share(priority)
    if (priority === 'critical' || share === 1) return true
    this.#credit[priority] += share
    if (this.#credit[priority] < 1) return false
    this.#credit[priority]--
    return true
  }
}
