import type { Random } from '../../../src/base/random.js'
import { NONE, type Policy, type PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'
import type { Server } from '../engine/server.js'

/** What every published rule shares: the servers it knows and its own requests in flight to each. */
export abstract class Baseline implements Policy {
  /** The servers that may be picked, by index. */
  protected members = new Int32Array(0)
  /** By server. */
  protected readonly inFlight: Int32Array
  protected readonly random: Random
  readonly #servers: readonly Server[]

  constructor({ servers, random }: PolicyContext) {
    this.#servers = servers
    this.random = random
    this.inFlight = new Int32Array(servers.length)
  }

  update(listed: readonly number[], nowMs: number): void {
    const before = this.members
    this.members = Int32Array.from(listed)
    for (const server of listed) {
      if (before.includes(server)) continue
      this.inFlight[server] = 0
      this.forget(server, nowMs)
    }
  }

  pick(_request: Request, nowMs: number): number {
    if (this.members.length === 0) return NONE
    const server = this.choose(nowMs)
    this.inFlight[server]!++
    this.sent(server, nowMs)
    return server
  }

  done(request: Request, nowMs: number): void {
    // From an instance that has been replaced since.
    if (request.generation !== this.#servers[request.server]!.generation) return
    this.inFlight[request.server]!--
    // A refusal says nothing about how fast the server is.
    if (request.result !== 'refused') this.observe(request, nowMs)
  }

  protected abstract choose(nowMs: number): number

  protected sent(_server: number, _nowMs: number): void {}

  protected observe(_request: Request, _nowMs: number): void {}

  protected forget(_server: number, _nowMs: number): void {}

  protected anyMember(): number {
    return this.members[Math.floor(this.random() * this.members.length)]!
  }

  /** The least by a cost of all; by lot among equals. */
  protected leastOfAll(cost: (server: number) => number): number {
    const { members } = this
    let least = -1
    let leastCost = Infinity
    let equals = 0
    for (let i = 0; i < members.length; i++) {
      const server = members[i]!
      const itsCost = cost(server)
      if (itsCost > leastCost) continue
      equals = itsCost < leastCost ? 1 : equals + 1
      if (equals > 1 && this.random() * equals >= 1) continue
      least = server
      leastCost = itsCost
    }
    return least
  }

  /** The lesser by a cost of two different ones, chosen by lot ("power of two choices"). */
  protected lessOfTwo(cost: (server: number) => number): number {
    const { members, random } = this
    const count = members.length
    if (count === 1) return members[0]!
    const i = Math.floor(random() * count)
    const j = (i + 1 + Math.floor(random() * (count - 1))) % count
    const [one, other] = [members[i]!, members[j]!]
    return cost(other) < cost(one) ? other : one
  }
}
