import type { Inbound, Peer, RequestMesh } from '../call/inbound.js'

/** An admitted request as the application sees it. */
export class RequestView implements RequestMesh {
  readonly peer: Peer | undefined
  readonly #inbound: Inbound

  constructor(inbound: Inbound) {
    this.peer = inbound.peer
    this.#inbound = inbound
  }

  get signal(): AbortSignal {
    return this.#inbound.signal()
  }
}
