import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answering = (request: IncomingMessage, response: ServerResponse) => void

/** A server's port: it closes as a process does that ends in order, and opens again as the next one does. */
export class HttpDoor {
  readonly #answering: Answering
  #server: Server | undefined
  #port = 0
  #closing = false

  constructor(answering: Answering) {
    this.#answering = answering
  }

  /** The port: any free one at first, and then always the same. */
  async open(): Promise<number> {
    this.#closing = false
    const server = createServer((request, response) => {
      // Whoever is on a connection of a closed port must not stay there.
      if (this.#closing) response.shouldKeepAlive = false
      this.#answering(request, response)
    })
    // Longer than any client keeps one, so that it is the client who gives it up.
    server.keepAliveTimeout = 10_000
    await once(server.listen(this.#port, '127.0.0.1'), 'listening')
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    return this.#port
  }

  /** Accepts nothing more; fulfils when what was under way is answered. */
  async close(): Promise<void> {
    const server = this.#server!
    this.#closing = true
    const closed = once(server, 'close')
    server.close()
    await closed
  }
}
