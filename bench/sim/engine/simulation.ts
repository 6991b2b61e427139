import { seededRandom, type Random } from '../../../src/base/random.js'
import { Agenda, Kind, VirtualClock } from './agenda.js'
import { Fifo } from './fifo.js'
import { HOLD, NONE, type CreatePolicy, type Policy } from './policy.js'
import { Requests, type Request } from './request.js'
import { Samples } from './samples.js'
import type { Scenario } from './scenario.js'
import { Server } from './server.js'

/** One way between a client and a server, half of what a round trip takes. */
export const ONE_WAY_MS = 0.25
/** What a failing server takes to say so. */
const FAST_FAILURE_MS = 1

/** What disturbances can do. */
export interface World {
  readonly agenda: Agenda
  /** Of the clients. */
  readonly clocks: readonly VirtualClock[]
  readonly scenario: Scenario
  readonly servers: readonly Server[]
  /** Discovery names a server to all clients, or no longer does. */
  list(server: Server): void
  unlist(server: Server): void
  /** A server dies with all that is in it and refuses connections. */
  crash(server: Server): void
}

/** Plays a scenario with one policy: the same seed gives every policy the same requests and the same disturbances. */
export function simulate(scenario: Scenario, createPolicy: CreatePolicy, seed: number): Samples {
  return new Simulation(scenario, createPolicy, seed).run()
}

class Simulation implements World {
  readonly agenda = new Agenda()
  readonly clocks: readonly VirtualClock[]
  readonly scenario: Scenario
  readonly servers: readonly Server[]
  readonly #requests = new Requests()
  readonly #policies: readonly Policy[]
  readonly #samples = new Samples()
  readonly #workload: Random
  readonly #luck: Random
  readonly #listed = new Set<number>()
  // All timeouts are equally long, so they come due in the order in which their requests were born.
  readonly #expiring = new Fifo()
  readonly #expiringSerials = new Fifo()
  readonly #held = new Fifo()
  readonly #endAtMs: number

  constructor(scenario: Scenario, createPolicy: CreatePolicy, seed: number) {
    this.scenario = scenario
    this.#endAtMs = scenario.warmMs + scenario.measuredMs
    this.#workload = stream(seed, 1)
    this.#luck = stream(seed, 2)
    const surroundings = {
      agenda: this.agenda,
      requests: this.#requests,
      dropsSettled: scenario.dropsSettled ?? false,
      reply: (request: Request) => this.#replied(request),
      drop: (request: Request) => this.#dropped(request),
      changed: (server: Server) => this.#offerHeld(server),
    }
    this.servers = scenario.servers.map((shape, index) => new Server(index, shape, surroundings))
    this.clocks = Array.from({ length: scenario.clients }, () => new VirtualClock(this.agenda))
    const reporting = Math.round(scenario.servers.length * (scenario.reportingRatio ?? 1))
    const context = {
      agenda: this.agenda,
      random: stream(seed, 3),
      servers: this.servers,
      clients: scenario.clients,
      oneWayMs: ONE_WAY_MS,
      // Every other one, and not the first half, which may be the fast ones.
      reports: (server: number) => (server * reporting) % this.servers.length < reporting,
    }
    this.#policies = this.clocks.map((clock) => createPolicy({ ...context, clock }))
    for (const server of this.servers) this.#listed.add(server.index)
    this.#announce()
    for (const disturbance of scenario.disturbances) disturbance(this, stream(seed, 4))
  }

  run(): Samples {
    const { agenda, servers } = this
    const { bySlot } = this.#requests
    this.#planArrival()
    // After the end nobody is born; the last ones settle within their timeout.
    while (agenda.next(this.#endAtMs + 2 * this.scenario.timeoutMs)) {
      const { kind, subject } = agenda
      if (kind === Kind.wake) servers[subject]!.wake()
      else if (kind === Kind.reach) this.#reach(bySlot[subject]!)
      else if (kind === Kind.reply) this.#hear(bySlot[subject]!)
      else if (kind === Kind.arrival) this.#arrive()
      else this.#expire()
    }
    return this.#samples
  }

  list(server: Server): void {
    this.#listed.add(server.index)
    this.#announce()
  }

  unlist(server: Server): void {
    this.#listed.delete(server.index)
    this.#announce()
  }

  crash(server: Server): void {
    server.down = true
    server.lose((request) => {
      request.result = 'failure'
      this.#replied(request)
    })
  }

  #announce(): void {
    const listed = [...this.#listed]
    this.#policies.forEach((policy, client) => policy.update(listed, this.clocks[client]!.now()))
  }

  #planArrival(): void {
    const { perSec, rateAt, peakRate = 1 } = this.scenario
    let atMs = this.agenda.nowMs
    // A changing rate is a constant one of which some arrivals do not take place.
    do atMs -= (1000 / (perSec * peakRate)) * Math.log(1 - this.#workload())
    while (rateAt !== undefined && this.#workload() * peakRate >= rateAt(atMs))
    if (atMs < this.#endAtMs) this.agenda.at(atMs, Kind.arrival, 0)
  }

  #arrive(): void {
    const request = this.#requests.take()
    request.client = Math.floor(this.#workload() * this.scenario.clients)
    request.workMs = this.scenario.work(this.#workload)
    request.bornAtMs = this.agenda.nowMs
    request.server = -1
    request.settled = false
    this.#planArrival()
    if (this.#expiring.size === 0) this.agenda.at(this.agenda.nowMs + this.scenario.timeoutMs, Kind.expiry, 0)
    this.#expiring.push(request.slot)
    this.#expiringSerials.push(request.serial)
    const { stalledUntilMs } = this.clocks[request.client]!
    if (stalledUntilMs > this.agenda.nowMs) this.agenda.runAt(stalledUntilMs, () => this.#send(request))
    else this.#send(request)
  }

  #send(request: Request): void {
    request.sentAtMs = this.agenda.nowMs
    request.result = 'success'
    const picked = this.#policies[request.client]!.pick(request, this.clocks[request.client]!.now())
    if (picked === NONE) {
      request.result = 'failure'
      this.#settle(request)
      this.#requests.release(request)
    } else if (picked === HOLD) this.#held.push(request.slot)
    else this.#assign(request, this.servers[picked]!, this.#oneWayMs(request.client, picked))
  }

  #assign(request: Request, server: Server, afterMs: number): void {
    request.server = server.index
    request.generation = server.generation
    server.assigned++
    this.agenda.at(this.agenda.nowMs + afterMs, Kind.reach, request.slot)
  }

  #reach(request: Request): void {
    const server = this.servers[request.server]!
    const fails = server.failingRatio > 0 && this.#luck() < server.failingRatio
    if (!fails && !server.down) return server.accept(request)
    request.result = 'failure'
    request.serviceMs = server.down ? 0 : FAST_FAILURE_MS
    request.inFlightOnReply = server.inFlight
    request.waitingOnReply = server.waiting
    this.#replied(request, request.serviceMs)
  }

  /** A server is done with a request. */
  #replied(request: Request, afterMs = 0): void {
    const server = this.servers[request.server]!
    server.assigned--
    this.agenda.at(this.agenda.nowMs + afterMs + this.#oneWayMs(request.client, request.server), Kind.reply, request.slot)
    this.#offerHeld(server)
  }

  #dropped(request: Request): void {
    this.servers[request.server]!.assigned--
    this.#requests.release(request)
  }

  #hear(request: Request): void {
    const { stalledUntilMs } = this.clocks[request.client]!
    if (stalledUntilMs > this.agenda.nowMs) return this.agenda.at(stalledUntilMs, Kind.reply, request.slot)
    if (!request.settled) this.#settle(request)
    this.#requests.release(request)
  }

  #expire(): void {
    const { agenda, scenario } = this
    const request = this.#requests.bySlot[this.#expiring.shift()]!
    if (request.serial === this.#expiringSerials.shift() && !request.settled) {
      request.result = 'timeout'
      this.#settle(request)
    }
    this.#planExpiry(agenda.nowMs, scenario.timeoutMs)
  }

  /** Goes on to the oldest request that is still waited for. */
  #planExpiry(nowMs: number, timeoutMs: number): void {
    const { bySlot } = this.#requests
    while (this.#expiring.size > 0) {
      const oldest = bySlot[this.#expiring.peek()]!
      if (oldest.serial === this.#expiringSerials.peek() && !oldest.settled) {
        return this.agenda.at(Math.max(nowMs, oldest.bornAtMs + timeoutMs), Kind.expiry, 0)
      }
      this.#expiring.shift()
      this.#expiringSerials.shift()
    }
  }

  #settle(request: Request): void {
    const { nowMs } = this.agenda
    request.settled = true
    request.latencyMs = nowMs - request.sentAtMs
    if (request.server !== -1) this.#policies[request.client]!.done(request, this.clocks[request.client]!.now())
    if (request.bornAtMs < this.scenario.warmMs) return
    this.#samples.settled++
    if (request.result !== 'success') this.#samples.failed++
    if (request.result !== 'failure') this.#samples.add(nowMs - request.bornAtMs)
  }

  /** Gives a server what is held, for as long as it has room. */
  #offerHeld(server: Server): void {
    while (this.#held.size > 0 && this.#policies[0]!.hasRoom?.(server) === true) {
      const request = this.#requests.bySlot[this.#held.shift()]!
      if (request.settled) this.#requests.release(request)
      // Most of it waited longer than the way takes, which is then behind it.
      else this.#assign(request, server, Math.max(0, request.bornAtMs + ONE_WAY_MS - this.agenda.nowMs))
    }
  }

  #oneWayMs(client: number, server: number): number {
    const { farMs = 0, zones = 1 } = this.scenario
    return farMs > 0 && client % zones !== this.servers[server]!.zone ? ONE_WAY_MS + farMs : ONE_WAY_MS
  }
}

function stream(seed: number, number: number): Random {
  return seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b))
}
