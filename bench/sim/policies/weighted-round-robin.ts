import type { PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'
import { Baseline } from './baseline.js'
import { metersOf, type ServerMeter } from './server-meter.js'

const BLACKOUT_MS = 10_000
const UPDATE_MS = 1_000
const EXPIRATION_MS = 180_000
const ERROR_PENALTY = 1

/**
 * gRPC's weighted_round_robin (A58): weight = requests/s ÷ (core use + errors/s ÷ requests/s), as reports say it. A server
 * has no weight of its own in its first 10 s and gets the mean; each turn goes to the earliest deadline, 1/weight apart.
 */
export class WeightedRoundRobin extends Baseline {
  readonly #meters: readonly ServerMeter[]
  readonly #reports: PolicyContext['reports']
  readonly #weight: Float64Array
  readonly #period: Float64Array
  readonly #deadline: Float64Array
  /** When reports of a server began, −1 while there are none; and when the last one came. */
  readonly #since: Float64Array
  readonly #heardAtMs: Float64Array
  readonly #failures: Int32Array
  #updatedAtMs = -Infinity
  readonly #itsDeadline = (server: number): number => this.#deadline[server]!

  constructor(context: PolicyContext) {
    super(context)
    const count = context.servers.length
    this.#meters = metersOf(context.servers, context.agenda)
    this.#reports = context.reports
    this.#weight = new Float64Array(count)
    this.#period = new Float64Array(count)
    this.#deadline = new Float64Array(count)
    this.#since = new Float64Array(count).fill(-1)
    this.#heardAtMs = new Float64Array(count)
    this.#failures = new Int32Array(count)
  }

  protected choose(nowMs: number): number {
    if (nowMs - this.#updatedAtMs >= UPDATE_MS) this.#reweigh(nowMs)
    const server = this.leastOfAll(this.#itsDeadline)
    this.#deadline[server]! += this.#period[server]!
    return server
  }

  protected override observe({ server, result }: Request, nowMs: number): void {
    if (result === 'failure') this.#failures[server]!++
    const { perSec, utilization } = this.#meters[server]!
    if (result !== 'success' || !this.#reports(server) || perSec === 0 || utilization === 0) return
    if (this.#since[server] === -1) this.#since[server] = nowMs
    this.#heardAtMs[server] = nowMs
    const errorRatio = this.#failures[server]! / Math.max(1, (nowMs - this.#updatedAtMs) / 1000) / perSec
    this.#weight[server] = perSec / (utilization + errorRatio * ERROR_PENALTY)
  }

  protected override forget(server: number): void {
    this.#since[server] = -1
    this.#updatedAtMs = -Infinity
  }

  #reweigh(nowMs: number): void {
    const usable = (server: number): boolean => {
      const since = this.#since[server]!
      return since !== -1 && nowMs - since >= BLACKOUT_MS && nowMs - this.#heardAtMs[server]! < EXPIRATION_MS
    }
    const weighted = this.members.filter(usable)
    const mean = weighted.reduce((sum, server) => sum + this.#weight[server]!, 0) / weighted.length
    for (const server of this.members) {
      const weight = weighted.length < 2 ? 1 : usable(server) ? this.#weight[server]! : mean
      this.#period[server] = 1 / weight
      this.#deadline[server] = this.random() / weight
    }
    this.#failures.fill(0)
    this.#updatedAtMs = nowMs
  }
}
