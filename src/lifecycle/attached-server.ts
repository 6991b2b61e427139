import type { IncomingMessage, Server, ServerResponse } from 'node:http'

/** Node's own default is 5 s, one second from what clients keep: too close for two clocks. */
const KEEP_ALIVE_MS = 10_000

/**
 * An HTTP server of the application, whose connections the mesh ends in order: told before they are closed, so that no
 * client is left with a request on a socket that nobody reads.
 */
export class AttachedServer {
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  #leaving = false

  constructor(server: Server) {
    this.#server = server
    // The client must be the first to give up an idle connection: what it sends on one that is just being closed may be lost.
    server.keepAliveTimeout = Math.max(server.keepAliveTimeout, KEEP_ALIVE_MS)
    server.prependListener('request', this.#opened)
  }

  isFor(server: Server): boolean {
    return this.#server === server
  }

  /** Goes on serving, and ends every connection with the answer that is given on it. */
  leave(): void {
    this.#leaving = true
    for (const response of this.#open) lastOfItsConnection(response)
  }

  /** Accepts nothing more and closes what is idle; fulfils when the last connection has ended. */
  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** Cuts what is left. */
  cut(): void {
    this.#server.closeAllConnections()
  }

  #opened = (_request: IncomingMessage, response: ServerResponse): void => {
    this.#open.add(response)
    response.once('close', () => this.#open.delete(response))
    if (this.#leaving) lastOfItsConnection(response)
  }
}

function lastOfItsConnection(response: ServerResponse): void {
  // Too late for an answer that has begun; its connection is idle afterwards, and closed as such.
  if (!response.headersSent) response.setHeader('connection', 'close')
}
