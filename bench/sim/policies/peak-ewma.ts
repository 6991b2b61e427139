import type { PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'
import { Baseline } from './baseline.js'

const TAU_MS = 10_000
const NO_HISTORY_PENALTY_MS = 1e9

/**
 * Peak EWMA with two random choices, after Finagle: a latency above the mean replaces it, one below pulls it down with
 * e^(−dt/10 s); cost = mean × (in flight + 1), and the mean also decays while nothing comes. A server without history is
 * tried when idle, and avoided while it has not yet answered.
 */
export class PeakEwma extends Baseline {
  readonly #meanMs: Float64Array
  readonly #atMs: Float64Array
  #nowMs = 0
  readonly #cost = (server: number): number => {
    const meanMs = this.#meanMs[server]! * Math.exp(-(this.#nowMs - this.#atMs[server]!) / TAU_MS)
    const pending = this.inFlight[server]!
    return meanMs === 0 && pending > 0 ? NO_HISTORY_PENALTY_MS + pending : meanMs * (pending + 1)
  }

  constructor(context: PolicyContext) {
    super(context)
    this.#meanMs = new Float64Array(context.servers.length)
    this.#atMs = new Float64Array(context.servers.length)
  }

  protected choose(nowMs: number): number {
    this.#nowMs = nowMs
    return this.lessOfTwo(this.#cost)
  }

  protected override observe({ server, latencyMs }: Request, nowMs: number): void {
    const meanMs = this.#meanMs[server]!
    const kept = latencyMs > meanMs ? 0 : Math.exp(-(nowMs - this.#atMs[server]!) / TAU_MS)
    this.#meanMs[server] = meanMs * kept + latencyMs * (1 - kept)
    this.#atMs[server] = nowMs
  }

  protected override forget(server: number, nowMs: number): void {
    this.#meanMs[server] = 0
    this.#atMs[server] = nowMs
  }
}
