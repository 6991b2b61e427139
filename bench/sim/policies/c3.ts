import type { PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'
import { Baseline } from './baseline.js'

const NEW_SAMPLE_WEIGHT = 0.9

/**
 * C3 (Suresh et al., NSDI'15) without its rate control: the least R − T + q³·T of all, where R is the response time seen,
 * T the service time and q̄ the requests in the server that replies report, and q = 1 + own in flight × clients + q̄.
 */
export class C3 extends Baseline {
  readonly #clients: number
  readonly #responseMs: Float64Array
  readonly #serviceMs: Float64Array
  readonly #queue: Float64Array
  readonly #known: Uint8Array
  readonly #rank = (server: number): number => {
    if (this.#known[server] === 0) return -Infinity
    const q = 1 + this.inFlight[server]! * this.#clients + this.#queue[server]!
    const serviceMs = this.#serviceMs[server]!
    return this.#responseMs[server]! - serviceMs + q * q * q * serviceMs
  }

  constructor(context: PolicyContext) {
    super(context)
    const count = context.servers.length
    this.#clients = context.clients
    this.#responseMs = new Float64Array(count)
    this.#serviceMs = new Float64Array(count)
    this.#queue = new Float64Array(count)
    this.#known = new Uint8Array(count)
  }

  protected choose(): number {
    return this.leastOfAll(this.#rank)
  }

  protected override observe({ server, result, latencyMs, serviceMs, inFlightOnReply }: Request): void {
    // Nobody answered, so nobody reported.
    if (result === 'timeout') return
    const weight = this.#known[server] === 0 ? 1 : NEW_SAMPLE_WEIGHT
    this.#known[server] = 1
    this.#responseMs[server]! += weight * (latencyMs - this.#responseMs[server]!)
    this.#serviceMs[server]! += weight * (serviceMs - this.#serviceMs[server]!)
    this.#queue[server]! += weight * (inFlightOnReply - this.#queue[server]!)
  }

  protected override forget(server: number): void {
    this.#known[server] = 0
  }
}
