import type { PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'
import { Baseline } from './baseline.js'

const WINDOW = 128
const LATENCY_EXPONENT = 2
/** A server whose requests in flight are older than this multiple of its mean is stalling. */
const STALL_RATIO = 1.5
const LEAST_SHARE = 0.001

/**
 * Locality-aware load balancing of brpc, simplified: by lot with weight = throughput ÷ latency², over the last 128
 * answers, less where the requests in flight are already older than answers usually take.
 */
export class LatencyAware extends Baseline {
  readonly #latencies: Float64Array
  readonly #endedAtMs: Float64Array
  readonly #latencySum: Float64Array
  readonly #samples: Int32Array
  readonly #base: Float64Array
  readonly #startSum: Float64Array
  readonly #weights: Float64Array
  readonly #startedAtMs = new Map<number, number>()

  constructor(context: PolicyContext) {
    super(context)
    const count = context.servers.length
    this.#latencies = new Float64Array(count * WINDOW)
    this.#endedAtMs = new Float64Array(count * WINDOW)
    this.#latencySum = new Float64Array(count)
    this.#samples = new Int32Array(count)
    this.#base = new Float64Array(count)
    this.#startSum = new Float64Array(count)
    this.#weights = new Float64Array(count)
  }

  override pick(request: Request, nowMs: number): number {
    this.#startedAtMs.set(request.slot, nowMs)
    return super.pick(request, nowMs)
  }

  override done(request: Request, nowMs: number): void {
    super.done(request, nowMs)
    this.#startedAtMs.delete(request.slot)
  }

  protected choose(nowMs: number): number {
    const { members } = this
    let known = 0
    let sum = 0
    for (const server of members) {
      if (this.#samples[server]! === 0) continue
      sum += this.#base[server]!
      known++
    }
    // A server without answers counts as the mean of the others.
    const mean = known === 0 ? 1 : sum / known
    let total = 0
    for (const server of members) total += this.#weights[server] = this.#weigh(server, mean, nowMs)
    let lot = this.random() * total
    for (const server of members) if ((lot -= this.#weights[server]!) < 0) return server
    return members[members.length - 1]!
  }

  #weigh(server: number, mean: number, nowMs: number): number {
    const samples = Math.min(WINDOW, this.#samples[server]!)
    let weight = samples === 0 ? mean : this.#base[server]!
    const pending = this.inFlight[server]!
    if (samples > 0 && pending > 0) {
      const latencyMs = this.#latencySum[server]! / samples
      const ageMs = nowMs - this.#startSum[server]! / pending
      if (ageMs > STALL_RATIO * latencyMs) weight *= latencyMs / ageMs
    }
    return Math.max(weight, LEAST_SHARE * mean)
  }

  protected override sent(server: number, nowMs: number): void {
    this.#startSum[server]! += nowMs
  }

  protected override observe({ server, slot, latencyMs }: Request, nowMs: number): void {
    this.#startSum[server]! -= this.#startedAtMs.get(slot)!
    const count = this.#samples[server]!++
    const place = server * WINDOW + (count % WINDOW)
    const full = count >= WINDOW
    const oldestAtMs = full ? this.#endedAtMs[place]! : this.#endedAtMs[server * WINDOW]!
    if (full) this.#latencySum[server]! -= this.#latencies[place]!
    this.#latencySum[server]! += latencyMs
    this.#latencies[place] = latencyMs
    this.#endedAtMs[place] = nowMs
    const samples = Math.min(WINDOW, count + 1)
    const perMs = count === 0 ? 1 / latencyMs : (samples - (full ? 0 : 1)) / Math.max(1e-3, nowMs - oldestAtMs)
    this.#base[server] = perMs / (this.#latencySum[server]! / samples) ** LATENCY_EXPONENT
  }

  protected override forget(server: number): void {
    this.#samples[server] = 0
    this.#latencySum[server] = 0
    this.#startSum[server] = 0
  }
}
