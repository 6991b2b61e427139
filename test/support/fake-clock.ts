import type { Clock, Timer } from '../../src/base/clock.js'

interface Waiting extends Timer {
  readonly dueAt: number
  readonly task: () => void
}

/** A clock that stands still until it is told to move. Timers fire in order of their time, each at its own time. */
export class FakeClock implements Clock {
  #nowMs = 0
  readonly #epochAtStartMs: number
  #waiting: Waiting[] = []

  constructor(epochAtStartMs = 1_800_000_000_000) {
    this.#epochAtStartMs = epochAtStartMs
  }

  now(): number {
    return this.#nowMs
  }

  epochMs(): number {
    return this.#epochAtStartMs + this.#nowMs
  }

  after(delayMs: number, task: () => void): Timer {
    const waiting: Waiting = {
      dueAt: this.#nowMs + Math.max(delayMs, 0),
      task,
      cancel: () => void (this.#waiting = this.#waiting.filter((other) => other !== waiting)),
    }
    this.#waiting.push(waiting)
    return waiting
  }

  afterHolding(delayMs: number, task: () => void): Timer {
    return this.after(delayMs, task)
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#waiting.length
  }

  /** Moves time forward, firing what comes due, and lets promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    for (;;) {
      await settled()
      const next = this.#waiting.filter(({ dueAt }) => dueAt <= untilMs).sort((a, b) => a.dueAt - b.dueAt)[0]
      if (next === undefined) break
      next.cancel()
      this.#nowMs = next.dueAt
      next.task()
    }
    this.#nowMs = untilMs
    await settled()
  }
}

/** Lets every promise that can settle now do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
  await new Promise((resolve) => setImmediate(resolve))
}
