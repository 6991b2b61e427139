import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'

/** Lets requests in until told to drain, then only lets the ones inside finish. One per mesh, for all of its inbound stacks. */
export class Drain {
  #draining = false
  #inFlight = 0
  #emptied: (() => void)[] = []
  #begin!: () => void
  /** Fulfils when it begins. */
  readonly begun: Promise<void> = new Promise((resolve) => (this.#begin = resolve))

  get draining(): boolean {
    return this.#draining
  }

  /** Requests that the application is still answering. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** From now on refuses what arrives. The registry should have told the callers a while before. */
  begin(): void {
    this.#draining = true
    this.#begin()
  }

  /** Fulfils when no request is inside. */
  empty(): Promise<void> {
    return this.#inFlight === 0 ? Promise.resolve() : new Promise((resolve) => this.#emptied.push(resolve))
  }

  readonly layer: Layer<Inbound, InboundReply> = (next) => async (inbound) => {
    if (this.#draining) throw new Refusal('MESH_ERR_DRAINING', 'this instance is draining')
    this.#inFlight++
    try {
      return await next(inbound)
    } finally {
      this.#inFlight--
      if (this.#inFlight === 0) for (const tell of this.#emptied.splice(0)) tell()
    }
  }
}
