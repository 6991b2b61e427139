import type { Clock, Timer } from '../../src/base/clock.js'

interface Waiting extends Timer {
  readonly dueAt: number
  readonly task: () => void
}

/** Time for simulations: nothing but timers makes it pass, and no promise is waited for. */
export class VirtualClock implements Clock {
  #nowMs = 0
  /** By their time, the next one last. */
  readonly #waiting: Waiting[] = []

  now(): number {
    return this.#nowMs
  }

  epochMs(): number {
    return 1_800_000_000_000 + this.#nowMs
  }

  after(delayMs: number, task: () => void): Timer {
    let cancelled = false
    const waiting = { dueAt: this.#nowMs + delayMs, task: () => cancelled || task(), cancel: () => void (cancelled = true) }
    let low = 0
    let high = this.#waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#waiting[middle]!.dueAt > waiting.dueAt) low = middle + 1
      else high = middle
    }
    this.#waiting.splice(low, 0, waiting)
    return waiting
  }

  afterHolding(delayMs: number, task: () => void): Timer {
    return this.after(delayMs, task)
  }

  /** Lets time pass until then, with everything that comes due. */
  runUntil(untilMs: number): void {
    for (let next = this.#waiting.at(-1); next !== undefined && next.dueAt <= untilMs; next = this.#waiting.at(-1)) {
      this.#waiting.pop()
      // A timer may be late: see `standStill`.
      this.#nowMs = Math.max(this.#nowMs, next.dueAt)
      next.task()
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }

  /** Time passes, but nothing comes due: the process was held up. */
  standStill(ms: number): void {
    this.#nowMs += ms
  }
}
