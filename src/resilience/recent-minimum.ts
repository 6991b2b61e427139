/** So many answers it takes to say what the fastest of them is worth. */
const MIN_SAMPLES = 20
/** An answer is remembered for one to two of these. */
const HALF_MS = 5_000
/** While calls are held back for want of time, one in so long goes nevertheless: what it asks for may be quicker than the rest. */
const PROBE_MS = 1_000

/**
 * The fastest answer that a service has lately given: a call with less time than that is not worth sending. Two numbers, the
 * minimum of this half of the window and of the one before, so that it costs the same however many calls there are.
 */
export class RecentMinimum {
  #currentMs = Infinity
  #currentSamples = 0
  #previousMs = Infinity
  #previousSamples = 0
  #turnsAt = -Infinity
  #probeAt: number | undefined

  observe(latencyMs: number, nowMs: number): void {
    this.#turn(nowMs)
    this.#currentSamples++
    if (latencyMs < this.#currentMs) this.#currentMs = latencyMs
  }

  /** Milliseconds; 0 while too few answers are remembered. */
  at(nowMs: number): number {
    this.#turn(nowMs)
    return this.#currentSamples + this.#previousSamples < MIN_SAMPLES ? 0 : Math.min(this.#currentMs, this.#previousMs)
  }

  /** Whether a call with so much time left is to be sent. */
  suffices(leftMs: number, nowMs: number): boolean {
    if (leftMs >= this.at(nowMs)) return true
    if (this.#probeAt === undefined || nowMs < this.#probeAt) {
      this.#probeAt ??= nowMs + PROBE_MS
      return false
    }
    this.#probeAt = undefined
    return true
  }

  #turn(nowMs: number): void {
    if (nowMs < this.#turnsAt) return
    const isNext = nowMs < this.#turnsAt + HALF_MS
    this.#previousMs = isNext ? this.#currentMs : Infinity
    this.#previousSamples = isNext ? this.#currentSamples : 0
    this.#currentMs = Infinity
    this.#currentSamples = 0
    this.#turnsAt = nowMs + HALF_MS
  }
}
