import type { Random } from '../../../src/base/random.js'
import type { Agenda, VirtualClock } from './agenda.js'
import type { Request } from './request.js'
import type { Server } from './server.js'

/** What `pick` says when a request shall wait with the caller until a server has room for it. Only a reference can. */
export const HOLD = -1
/** What `pick` says when it knows no server. */
export const NONE = -2

/** The balancer of one client. A server that goes and comes back is another one, with nothing known about it. */
export interface Policy {
  /** Every server that there is, as discovery tells it. */
  update(listed: readonly number[], nowMs: number): void
  /** Chooses a server for the request and counts it as under way. */
  pick(request: Request, nowMs: number): number
  /** The request is answered, or given up. */
  done(request: Request, nowMs: number): void
  /** Whether a server may be given a held request now. */
  hasRoom?(server: Server): boolean
}

/** What a policy is made from. An honest one reads the servers only through probes and replies. */
export interface PolicyContext {
  readonly agenda: Agenda
  /** The client's own. */
  readonly clock: VirtualClock
  readonly random: Random
  readonly servers: readonly Server[]
  readonly clients: number
  /** Of the shortest way between a client and a server. */
  readonly oneWayMs: number
  /** Whether a server's replies carry load reports. */
  reports(server: number): boolean
}

/** Makes the balancer of one client. */
export type CreatePolicy = (context: PolicyContext) => Policy

/** Makes what decides at a server whether a request that has just come is politely refused, before any work on it. */
export type CreateRefusal = (server: Server, agenda: Agenda) => (request: Request) => boolean

/** A balancing rule: what the clients do, and what the servers do to help, if anything. */
export interface Rule {
  readonly client: CreatePolicy
  readonly server?: CreateRefusal
}
