import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { DRAINING_HEADER } from '../call/outcome.js'

/** Node's own default is 5 s, one second from what clients keep: too close for two clocks. */
const KEEP_ALIVE_MS = 10_000

/**
 * How often it is looked for clients that take longer than `headersTimeout` or `requestTimeout` to send a request. Node's own
 * default is 30 s, by which one that is slow on purpose holds its connection for half as long again.
 */
const SLOW_CHECK_MS = 10_000

/**
 * An HTTP server of the application, whose connections the mesh ends in order: told before they are closed, so that no
 * client is left with a request on a socket that nobody reads.
 */
export class AttachedServer {
  readonly #server: Server
  readonly #open = new Set<ServerResponse>()
  #state: 'serving' | 'leaving' | 'stopped' = 'serving'

  constructor(server: Server) {
    this.#server = server
    // The client must be the first to give up an idle connection: what it sends on one that is just being closed may be
    // lost. 0 stays: such a server never gives one up.
    if (server.keepAliveTimeout > 0) server.keepAliveTimeout = Math.max(server.keepAliveTimeout, KEEP_ALIVE_MS)
    // An option of the server's making that it reads again when it begins to listen; later it is what it was.
    const timed = server as { connectionsCheckingInterval?: number }
    timed.connectionsCheckingInterval = Math.min(timed.connectionsCheckingInterval ?? SLOW_CHECK_MS, SLOW_CHECK_MS)
    server.prependListener('request', this.#opened)
  }

  isFor(server: Server): boolean {
    return this.#server === server
  }

  /** Goes on serving; every answer says that it is the last on its connection, and that the next call belongs elsewhere. */
  leave(): void {
    this.#state = 'leaving'
    for (const response of this.#open) sayGoodbye(response)
  }

  /** Accepts nothing more and closes what is idle; fulfils when the last connection has ended. */
  stop(): Promise<void> {
    this.#state = 'stopped'
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** Cuts what is left. */
  cut(): void {
    this.#server.closeAllConnections()
  }

  #opened = (_request: IncomingMessage, response: ServerResponse): void => {
    this.#open.add(response)
    response.once('close', () => this.#closed(response))
    if (this.#state !== 'serving') sayGoodbye(response)
  }

  #closed(response: ServerResponse): void {
    this.#open.delete(response)
    // One that had begun before the goodbye has left its connection open, and the server would wait for it.
    if (this.#state === 'stopped') this.#server.closeIdleConnections()
  }
}

function sayGoodbye(response: ServerResponse): void {
  // Too late for an answer that has begun: the next one on its connection says it.
  if (!response.headersSent) response.setHeader('connection', 'close').setHeader(DRAINING_HEADER, '1')
}
