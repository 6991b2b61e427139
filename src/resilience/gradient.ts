/** Where it begins, and what it never goes below. */
const LEAST = 20
/** What may always wait at the service beside what is being worked on: without it nothing would show that there is more room. */
const QUEUE = 4
/** How much a round counts. */
const SMOOTHING = 0.2
/** A latency is none of congestion until it is so many times what is usual. */
const TOLERANCE = 1.5
const LEAST_GRADIENT = 0.5
/** A round lasts twice the shortest latency in it, within these, and has so many samples. */
const LEAST_ROUND_MS = 100
const MOST_ROUND_MS = 1_000
const LEAST_SAMPLES = 10
/** What is usual is the mean over so long; a slow hour is then usual, and a slow minute is not. */
const USUAL_MS = 600_000
/** So many rounds count alike at first. */
const WARM_UP_ROUNDS = 10
/** When it has become this much faster, what was usual is forgotten by a twentieth each round. */
const FASTER = 2
const FORGET = 0.95
/** What a round with refusals is worth: the service says itself that it is too much. */
const REFUSED_GRADIENT = 0.9

/**
 * Finds out how many calls a service can take at the same time, from latency alone: while a round takes what is usual there is
 * room for more, and when it takes longer, calls wait for each other over there. Gradient2 of Netflix' concurrency-limits
 * ({@link https://github.com/Netflix/concurrency-limits | Apache-2.0}), by rounds:
 * `limit ← 0.8 · limit + 0.2 · (limit · clamp(1.5 · usual / latency, 0.5, 1) + 4)`.
 */
export class Gradient {
  /** What it never goes above. */
  most = Infinity
  #limit = LEAST
  #usualMs = 0
  #rounds = 0
  #roundAtMs: number | undefined
  #samples = 0
  #sumMs = 0
  #shortestMs = Infinity
  #inFlight = 0
  #refused = false

  /** Calls that may be under way: a whole number. */
  get limit(): number {
    return Math.floor(Math.min(this.#limit, this.most))
  }

  /** A call has failed: that must never look fast. */
  observeFailure(latencyMs: number, inFlight: number, nowMs: number): void {
    this.observe(Math.max(latencyMs, this.#usualMs), inFlight, nowMs)
  }

  /** A call was answered; `inFlight` are all that were under way then. */
  observe(latencyMs: number, inFlight: number, nowMs: number): void {
    this.#roundAtMs ??= nowMs
    this.#samples++
    this.#sumMs += latencyMs
    this.#shortestMs = Math.min(this.#shortestMs, latencyMs)
    this.#inFlight = Math.max(this.#inFlight, inFlight)
    const roundMs = Math.min(MOST_ROUND_MS, Math.max(LEAST_ROUND_MS, 2 * this.#shortestMs))
    if (this.#samples < LEAST_SAMPLES || nowMs - this.#roundAtMs < roundMs) return
    this.#learn(this.#sumMs / this.#samples, Math.min(MOST_ROUND_MS, nowMs - this.#roundAtMs))
    this.#limit = Math.max(LEAST, Math.min(this.most, this.#limit))
    this.#roundAtMs = nowMs
    this.#samples = this.#sumMs = this.#inFlight = 0
    this.#shortestMs = Infinity
    this.#refused = false
  }

  /** A call was refused before any work, which is fast and says nothing about latency. */
  refuse(): void {
    this.#refused = true
  }

  #learn(latencyMs: number, roundMs: number): void {
    this.#rounds++
    const share = this.#rounds <= WARM_UP_ROUNDS ? 1 / this.#rounds : 1 - Math.exp(-roundMs / USUAL_MS)
    this.#usualMs += share * (latencyMs - this.#usualMs)
    if (this.#usualMs > FASTER * latencyMs) this.#usualMs *= FORGET
    // A limit that nobody reaches has not been tried: it shows nothing.
    if (this.#inFlight < this.#limit / 2) return
    const byLatency = latencyMs === 0 ? 1 : (TOLERANCE * this.#usualMs) / latencyMs
    const gradient = Math.max(LEAST_GRADIENT, Math.min(1, byLatency, this.#refused ? REFUSED_GRADIENT : 1))
    // Refused, it must not grow by what may wait.
    const wanted = this.#limit * gradient + (this.#refused ? 0 : QUEUE)
    this.#limit += SMOOTHING * (wanted - this.#limit)
  }
}
