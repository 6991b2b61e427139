import type { Clock } from '../base/clock.js'

const TICK_MS = 50
/** So much later than due, and it was this process that stood still, not a timer that is late. */
const LATE_MS = 50

/**
 * Notices when this process itself stood still (a long computation, a garbage collection, SIGSTOP): what was measured
 * across such a time says nothing about anybody else. A coarse tick runs while attempts are under way; it holds no process.
 */
export class OwnStalls {
  /** When the last one was over; -Infinity when there was none. */
  endedAtMs = -Infinity
  readonly #clock: Clock
  #underWay = 0
  #dueAtMs = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An attempt begins. */
  begin(nowMs: number): void {
    this.#underWay++
    if (this.#dueAtMs === Infinity) this.#awaitTick(nowMs)
    // It may begin right after a stall, before the overdue tick has run, and was then not held up by it.
    else this.#judge(nowMs)
  }

  /** An attempt that began at `startedAtMs` has its answer: whether this process stood still meanwhile. */
  end(startedAtMs: number, nowMs: number): boolean {
    this.#underWay--
    // An answer may be read before the overdue tick has run.
    this.#judge(nowMs)
    return startedAtMs < this.endedAtMs
  }

  #judge(nowMs: number): void {
    if (nowMs - this.#dueAtMs <= LATE_MS) return
    this.endedAtMs = nowMs
    // It was over by now: what begins after it must not be held to have seen it.
    this.#dueAtMs = nowMs
  }

  #awaitTick(nowMs: number): void {
    this.#dueAtMs = nowMs + TICK_MS
    this.#clock.after(TICK_MS, this.#tick)
  }

  #tick = (): void => {
    const nowMs = this.#clock.now()
    this.#judge(nowMs)
    this.#dueAtMs = Infinity
    if (this.#underWay > 0) this.#awaitTick(nowMs)
  }
}
