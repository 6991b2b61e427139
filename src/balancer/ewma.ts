/** Weight that a sample has at least, by its number: the first few count alike, and later ones never less than this. */
const SETTLING_SAMPLES = 24
const LATENCY_TAU_MS = 10_000
const STALE_TAU_MS = 20_000
const SUCCESS_WEIGHT = 0.1
const SUCCESS_TAU_MS = 10_000

/**
 * Mean latency, the newer the heavier: a sample weighs 1 − e^(−dt/10 s), and at least 1/24, so that a busy endpoint
 * forgets by samples and a quiet one by time. `fleetMs` is the mean of the whole service, 0 while there is none: what is
 * thought of an endpoint of which nothing is known, or nothing new. Reading changes nothing.
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

  /** What to expect now: an old mean fades into the fleet's, at equal ratios in equal times; it never fades to zero. */
  expectedAt(nowMs: number, fleetMs: number): number {
    if (this.#samples === 0) return fleetMs
    if (fleetMs === 0 || this.#meanMs === 0) return this.#meanMs
    return fleetMs * (this.#meanMs / fleetMs) ** Math.exp((this.#updatedAtMs - nowMs) / STALE_TAU_MS)
  }

  /** The first sample stands against two of the fleet: one lucky answer makes no endpoint the fastest. */
  observe(latencyMs: number, nowMs: number, fleetMs: number): void {
    if (this.#samples === 0) {
      this.#meanMs = fleetMs === 0 ? latencyMs : (latencyMs + 2 * fleetMs) / 3
    } else {
      const byTime = 1 - Math.exp((this.#updatedAtMs - nowMs) / LATENCY_TAU_MS)
      const byCount = 1 / Math.min(SETTLING_SAMPLES, this.#samples + 1)
      this.#meanMs += Math.max(byTime, byCount) * (latencyMs - this.#meanMs)
    }
    this.#samples++
    this.#updatedAtMs = nowMs
  }

  /** An attempt without a good answer: it counts as the mean when it ended sooner, so that failing fast never looks like being fast. */
  observeFailure(latencyMs: number, nowMs: number, fleetMs: number): void {
    this.observe(Math.max(latencyMs, this.#meanMs, fleetMs), nowMs, fleetMs)
  }

  /** An attempt that somebody gave up: how long it would have taken is unknown, but not less than this. */
  observeAtLeast(latencyMs: number, nowMs: number, fleetMs: number): void {
    if (latencyMs > Math.max(this.#meanMs, fleetMs)) this.observe(latencyMs, nowMs, fleetMs)
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
    return 1 - (1 - this.#ratio) * Math.exp((this.#updatedAtMs - nowMs) / SUCCESS_TAU_MS)
  }

  observe(succeeded: boolean, nowMs: number): void {
    const ratio = this.ratioAt(nowMs)
    this.#ratio = ratio + SUCCESS_WEIGHT * ((succeeded ? 1 : 0) - ratio)
    this.#updatedAtMs = nowMs
  }
}
