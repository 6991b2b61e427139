import type { Agenda, VirtualClock } from '../engine/agenda.js'
import type { PolicyContext } from '../engine/policy.js'
import type { Server } from '../engine/server.js'
import { Baseline } from './baseline.js'
import { LatencyByLoad } from './latency-by-load.js'

const POOL_SIZE = 16
const PROBES_PER_REQUEST = 3
const REMOVED_PER_REQUEST = 1
const MAX_AGE_MS = 1_000
const MAX_REUSE = 16
const HOT_QUANTILE = 0.84
/** Requests in flight of the latest probes, from which the limit between hot and cold is read. */
const LOADS_REMEMBERED = 128

interface Probe {
  readonly server: number
  readonly latencyMs: number
  readonly atMs: number
  inFlight: number
  usesLeft: number
}

/**
 * Prequal (Wydrowski et al., NSDI'24), asynchronous: each request sends three probes for later ones; of the pooled answers
 * the cold one (not among the 16 % with most in flight) of least latency wins, and when all are hot the one least loaded.
 */
export class Prequal extends Baseline {
  readonly #agenda: Agenda
  readonly #clock: VirtualClock
  readonly #servers: readonly Server[]
  readonly #oneWayMs: number
  readonly #estimates: readonly LatencyByLoad[]
  readonly #pool: Probe[] = []
  readonly #loads = new Int32Array(LOADS_REMEMBERED)
  #loadCount = 0
  #hotAbove = Infinity
  #removesOldest = false

  constructor(context: PolicyContext) {
    super(context)
    this.#agenda = context.agenda
    this.#clock = context.clock
    this.#servers = context.servers
    this.#oneWayMs = context.oneWayMs
    this.#estimates = estimatesOf(context.servers)
  }

  protected choose(nowMs: number): number {
    for (let i = 0; i < PROBES_PER_REQUEST; i++) this.#probe(i)
    while (this.#pool.length > 0 && nowMs - this.#pool[0]!.atMs > MAX_AGE_MS) this.#pool.shift()
    if (this.#pool.length < 2) return this.anyMember()
    const place = this.#extreme(1)
    const probe = this.#pool[place]!
    if (--probe.usesLeft <= 0) this.#pool.splice(place, 1)
    for (let i = 0; i < REMOVED_PER_REQUEST; i++) this.#remove()
    return probe.server
  }

  protected override sent(server: number): void {
    for (const probe of this.#pool) if (probe.server === server) probe.inFlight++
  }

  protected override forget(server: number): void {
    for (let i = this.#pool.length - 1; i >= 0; i--) if (this.#pool[i]!.server === server) this.#pool.splice(i, 1)
  }

  /** The place of the best probe (1), or of the worst (−1), which is the best the other way round. */
  #extreme(sign: 1 | -1): number {
    let best = 0
    let bestRank = Infinity
    for (let i = 0; i < this.#pool.length; i++) {
      const { inFlight, latencyMs } = this.#pool[i]!
      // Any cold one comes before any hot one.
      const rank = sign * (inFlight > this.#hotAbove ? 1e9 * (1 + inFlight) : latencyMs)
      if (rank >= bestRank) continue
      best = i
      bestRank = rank
    }
    return best
  }

  #remove(): void {
    if (this.#pool.length === 0) return
    this.#removesOldest = !this.#removesOldest
    this.#pool.splice(this.#removesOldest ? 0 : this.#extreme(-1), 1)
  }

  #probe(turn: number): void {
    if (turn >= this.members.length) return
    const server = this.#drawn(turn)
    const { generation } = this.#servers[server]!
    this.#agenda.runAt(this.#agenda.nowMs + this.#oneWayMs, () => {
      const { inFlight, down } = this.#servers[server]!
      if (down) return
      const latencyMs = this.#estimates[server]!.estimateMs(inFlight)
      this.#agenda.runAt(this.#agenda.nowMs + this.#oneWayMs, () => {
        if (this.#servers[server]!.generation === generation && this.members.includes(server)) {
          this.#add({ server, inFlight, latencyMs, atMs: this.#clock.now(), usesLeft: this.#reuse() })
        }
      })
    })
  }

  /** One of the servers, without those drawn before in this request (a partial shuffle). */
  #drawn(turn: number): number {
    const { members } = this
    const other = turn + Math.floor(this.random() * (members.length - turn))
    const server = members[other]!
    members[other] = members[turn]!
    members[turn] = server
    return server
  }

  #add(probe: Probe): void {
    if (this.#pool.length >= POOL_SIZE) this.#pool.shift()
    this.#pool.push(probe)
    this.#loads[this.#loadCount++ % LOADS_REMEMBERED] = probe.inFlight
    if (this.#loadCount % 16 !== 0) return
    const known = this.#loads.slice(0, this.#loadCount).sort()
    this.#hotAbove = known[Math.floor(HOT_QUANTILE * (known.length - 1))]!
  }

  /** How often a probe may be used: max(1, 2 / ((1 − pool/servers) × probes − removals)), its fraction by lot. */
  #reuse(): number {
    const spare = (1 - POOL_SIZE / this.members.length) * PROBES_PER_REQUEST - REMOVED_PER_REQUEST
    const reuse = spare <= 0 ? MAX_REUSE : Math.min(MAX_REUSE, Math.max(1, 2 / spare))
    return Math.floor(reuse) + (this.random() < reuse % 1 ? 1 : 0)
  }
}

const estimates = new WeakMap<readonly Server[], readonly LatencyByLoad[]>()

/** What the servers of one simulation know about themselves. */
function estimatesOf(servers: readonly Server[]): readonly LatencyByLoad[] {
  const known = estimates.get(servers)
  if (known !== undefined) return known
  const made = servers.map((server) => {
    const estimate = new LatencyByLoad()
    server.onComplete = ({ inFlightOnReach, reachedAtMs, startedAtMs, serviceMs }) =>
      estimate.observe(inFlightOnReach, startedAtMs - reachedAtMs + serviceMs)
    return estimate
  })
  estimates.set(servers, made)
  return made
}
