/** Weight that a sample has at most, by its number: the first few count in full, later ones by time. */
const SETTLING_SAMPLES = 24
const LATENCY_TAU_MS = 5_000
const SUCCESS_WEIGHT = 0.1
const SUCCESS_TAU_MS = 10_000

/**
 * Mean latency, the newer the heavier: a sample weighs 1 − e^(−dt/5 s), and at least 1/24, so that a busy endpoint
 * forgets by samples and a quiet one by time. Reading changes nothing.
 */
export class LatencyEwma {
  #meanMs = 0
  #samples = 0
  #updatedAtMs = 0

  /** 0 until there is a sample. */
  get meanMs(): number {
    return this.#meanMs
  }

  get samples(): number {
    return this.#samples
  }

  /** When the last sample came, on the clock of the `nowMs` that it came with. */
  get updatedAtMs(): number {
    return this.#updatedAtMs
  }

  observe(latencyMs: number, nowMs: number): void {
    const byTime = 1 - Math.exp(-(nowMs - this.#updatedAtMs) / LATENCY_TAU_MS)
    const byCount = 1 / Math.min(SETTLING_SAMPLES, this.#samples + 1)
    const weight = this.#samples === 0 ? 1 : Math.max(byTime, byCount)
    this.#meanMs += weight * (latencyMs - this.#meanMs)
    this.#samples++
    this.#updatedAtMs = nowMs
  }

  /**
   * A failure: it counts as the mean when it came sooner, so that failing fast never looks like being fast, and as
   * long as it took when it came later. Without a mean it says nothing about latency.
   */
  observeFailure(latencyMs: number, nowMs: number): void {
    if (this.#samples > 0) this.observe(Math.max(latencyMs, this.#meanMs), nowMs)
  }
}

/**
 * Share of successes, 0–1: each result weighs 0.1, and with time the share returns to 1 (10 s to close 63 % of the gap),
 * so that an endpoint that is given nothing gets another chance. Reading changes nothing.
 */
export class SuccessEwma {
  #ratio = 1
  #updatedAtMs = 0

  ratioAt(nowMs: number): number {
    return 1 - (1 - this.#ratio) * Math.exp(-(nowMs - this.#updatedAtMs) / SUCCESS_TAU_MS)
  }

  observe(succeeded: boolean, nowMs: number): void {
    const ratio = this.ratioAt(nowMs)
    this.#ratio = ratio + SUCCESS_WEIGHT * ((succeeded ? 1 : 0) - ratio)
    this.#updatedAtMs = nowMs
  }
}
