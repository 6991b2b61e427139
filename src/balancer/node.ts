import type { Clock, Timer } from '../base/clock.js'
import type { Attempt } from '../call/call.js'
import type { Endpoint } from '../call/endpoint.js'
import type { Handler } from '../call/layer.js'
import { LatencyEwma, SuccessEwma } from './ewma.js'
import { Waiting } from './flight.js'
import type { ReportedLoad } from './reported-load.js'
import { Standing } from './standing.js'

/** The way to one endpoint: the stages of the endpoint room and the sockets below them. */
export interface Connection {
  readonly handle: Handler<Attempt>
  close(): Promise<void>
}

/** Opens the way to a node's endpoint, when the first attempt goes there. */
export type Connect = (node: Node) => Connection

/** `draining`: finishes what it has and is given nothing new. `ejected`: out of rotation for doing worse than the others. */
export type NodeState = 'ready' | 'draining' | 'ejected'

/** An endpoint with its live state. */
export class Node {
  /** Attempts under way, from their start until their body has ended. */
  inFlight = 0
  readonly latency = new LatencyEwma()
  readonly success = new SuccessEwma()
  readonly waiting = new Waiting<Node>()
  /** Undefined as long as it has said nothing about its load. */
  report: ReportedLoad | undefined
  /** When it came after others, or came back; -Infinity for one that was there from the beginning. */
  sinceMs = -Infinity
  /** When it was last given an attempt, or else appeared; -Infinity before its fleet has met it. */
  usedAtMs = -Infinity
  /** What one more request in flight costs here, as long as `costUntilMs` has not come. */
  unitCostMs = 0
  costUntilMs = -Infinity
  /** Tells that the node has changed its state by itself. */
  readonly changed: () => void
  readonly #connect: Connect
  #endpoint: Endpoint
  #standing: Standing | undefined
  #aside: Timer | undefined
  #connection: Connection | undefined
  #closed: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(endpoint: Endpoint, connect: Connect, changed: () => void = () => {}) {
    this.#endpoint = endpoint
    this.#connect = connect
    this.changed = changed
  }

  get endpoint(): Endpoint {
    return this.#endpoint
  }

  get id(): string {
    return this.#endpoint.id
  }

  /** Static share of the traffic, as the registry gives it. */
  get weight(): number {
    return this.#endpoint.weight
  }

  get state(): NodeState {
    if (this.leaving) return 'draining'
    return this.ejected && !this.standing.pardoned ? 'ejected' : 'ready'
  }

  /** How it stands with outlier detection; made when first asked for, as is the way to it: most of a large set is never called. */
  get standing(): Standing {
    return (this.#standing ??= new Standing())
  }

  /** Whether outlier detection has ever had to do with it. */
  get hasStanding(): boolean {
    return this.#standing !== undefined
  }

  /** Whether it is put out of rotation, be it used all the same. */
  get ejected(): boolean {
    return this.#standing !== undefined && this.#standing.ejected
  }

  /** Whether it is to be given nothing new for good, or says so itself. */
  get leaving(): boolean {
    return this.#closed !== undefined || this.#aside !== undefined || this.#endpoint.status === 'draining'
  }

  /** The stages of this endpoint, made when first asked for. */
  get handle(): Handler<Attempt> {
    return (this.#connection ??= this.#connect(this)).handle
  }

  /** Takes over what the registry says now; id and address stay as they are. */
  update(endpoint: Endpoint): void {
    this.#endpoint = endpoint
  }

  /** Makes it draining for a while, whatever the registry says of it. */
  setAside(forMs: number, clock: Clock): void {
    if (this.leaving) return
    this.#aside = clock.after(forMs, () => {
      this.takeBack()
      this.changed()
    })
    this.changed()
  }

  /** What the registry says is what counts again. */
  takeBack(): void {
    this.#aside?.cancel()
    this.#aside = undefined
  }

  /** An attempt begins. */
  begin(): void {
    this.inFlight++
  }

  /** An attempt is over. */
  end(): void {
    this.inFlight--
    if (this.inFlight === 0) this.#idle?.()
  }

  /** Drains: fulfils when what is under way has ended and the connections are closed. Closing twice is closing once. */
  close(): Promise<void> {
    this.takeBack()
    return (this.#closed ??= this.#drain())
  }

  async #drain(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    await this.#connection?.close()
  }
}
