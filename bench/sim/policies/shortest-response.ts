import type { PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'
import { Baseline } from './baseline.js'

const WINDOW_MS = 30_000

/** Dubbo's shortestresponse: mean latency of successes × (in flight + 1); what is known is thrown away every 30 s. */
export class ShortestResponse extends Baseline {
  readonly #sumMs: Float64Array
  readonly #successes: Int32Array
  #windowEndsAtMs = WINDOW_MS
  readonly #cost = (server: number): number => {
    const successes = this.#successes[server]!
    return successes === 0 ? 0 : (this.#sumMs[server]! / successes) * (this.inFlight[server]! + 1)
  }

  constructor(context: PolicyContext) {
    super(context)
    this.#sumMs = new Float64Array(context.servers.length)
    this.#successes = new Int32Array(context.servers.length)
  }

  protected choose(nowMs: number): number {
    if (nowMs >= this.#windowEndsAtMs) {
      this.#windowEndsAtMs = nowMs + WINDOW_MS
      this.#sumMs.fill(0)
      this.#successes.fill(0)
    }
    return this.leastOfAll(this.#cost)
  }

  protected override observe({ server, latencyMs, result }: Request): void {
    if (result !== 'success') return
    this.#sumMs[server]! += latencyMs
    this.#successes[server]!++
  }

  protected override forget(server: number): void {
    this.#sumMs[server] = 0
    this.#successes[server] = 0
  }
}
