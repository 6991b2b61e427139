import { seededRandom, type Random } from '../../../src/base/random.js'
import { Agenda, Kind, VirtualClock } from './agenda.js'
import { Fifo } from './fifo.js'
import { HOLD, NONE, type Policy, type Rule } from './policy.js'
import { Requests, type Request } from './request.js'
import { Samples } from './samples.js'
import type { Scenario } from './scenario.js'
import { Server } from './server.js'
import { Timeouts } from './timeouts.js'

/** One way between a client and a server, half of what a round trip takes. */
export const ONE_WAY_MS = 0.25
/** A request is refused so often at most; who gets it then has to serve it. */
const MOST_REFUSALS = 2
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

/** Plays a scenario by one rule: the same seed gives every rule the same requests and the same disturbances. */
export function simulate(scenario: Scenario, rule: Rule, seed: number): Samples {
  return new Simulation(scenario, rule, seed).run()
}

class Simulation implements World {
  readonly agenda = new Agenda()
  readonly clocks: readonly VirtualClock[]
  readonly scenario: Scenario
  readonly servers: readonly Server[]
  readonly #requests = new Requests()
  readonly #policies: readonly Policy[]
  /** Of the servers; empty when none ever refuses. */
  readonly #refusals: readonly ((request: Request) => boolean)[]
  readonly #samples = new Samples()
  readonly #workload: Random
  readonly #luck: Random
  readonly #listed = new Set<number>()
  readonly #timeouts: Timeouts
  readonly #held = new Fifo()
  readonly #endAtMs: number

  constructor(scenario: Scenario, { client, server: refusal }: Rule, seed: number) {
    this.scenario = scenario
    this.#endAtMs = scenario.warmMs + scenario.measuredMs
    this.#timeouts = new Timeouts(this.agenda, this.#requests, scenario.timeoutMs)
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
    this.#policies = this.clocks.map((clock) => client({ ...context, clock }))
    this.#refusals = refusal === undefined ? [] : this.servers.map((server) => refusal(server, this.agenda))
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
    this.#timeouts.add(request)
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
    const healthy = !fails && !server.down
    const refuses = healthy && request.refusedBy.length < MOST_REFUSALS && this.#refusals[server.index]?.(request) === true
    if (healthy && !refuses) return server.accept(request)
    request.result = refuses ? 'refused' : 'failure'
    request.serviceMs = fails ? FAST_FAILURE_MS : 0
    request.inFlightOnReply = server.inFlight
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
    if (request.settled) return this.#requests.release(request)
    if (request.result === 'refused') return this.#offerAgain(request)
    this.#settle(request)
    this.#requests.release(request)
  }

  #offerAgain(request: Request): void {
    request.latencyMs = this.agenda.nowMs - request.sentAtMs
    this.#policies[request.client]!.done(request, this.clocks[request.client]!.now())
    request.refusedBy = [...request.refusedBy, request.server]
    this.#send(request)
  }

  #expire(): void {
    const request = this.#timeouts.expired()
    if (request === undefined) return
    request.result = 'timeout'
    this.#settle(request)
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
