import type { Attempt } from '../call/call.js'
import type { Endpoint } from '../call/endpoint.js'
import type { Handler } from '../call/layer.js'
import { LatencyEwma, SuccessEwma } from './ewma.js'

/** The way to one endpoint: the stages of the endpoint room and the sockets below them. */
export interface Connection {
  readonly handle: Handler<Attempt>
  close(): Promise<void>
}

/** Opens the way to a node's endpoint, when the first attempt goes there. */
export type Connect = (node: Node) => Connection

/** `draining`: finishes what it has and is given nothing new. */
export type NodeState = 'ready' | 'draining'

/** An endpoint with its live state. */
export class Node {
  /** Attempts under way, from their start until their body has ended. */
  inFlight = 0
  readonly latency = new LatencyEwma()
  readonly success = new SuccessEwma()
  readonly #connect: Connect
  #endpoint: Endpoint
  #connection: Connection | undefined
  #closed: Promise<void> | undefined
  #idle: (() => void) | undefined

  constructor(endpoint: Endpoint, connect: Connect) {
    this.#endpoint = endpoint
    this.#connect = connect
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
    return this.#closed === undefined ? this.#endpoint.status : 'draining'
  }

  /** The stages of this endpoint. They are made when first asked for: most of a large set is never called. */
  get handle(): Handler<Attempt> {
    return (this.#connection ??= this.#connect(this)).handle
  }

  /** Takes over what the registry says now; id and address stay as they are. */
  update(endpoint: Endpoint): void {
    this.#endpoint = endpoint
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
    return (this.#closed ??= this.#drain())
  }

  async #drain(): Promise<void> {
    if (this.inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
    await this.#connection?.close()
  }
}
