import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SecureContextOptions, Server, TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.js'

/** What a server over TLS has to know. */
export interface ServerSecurity {
  readonly options: SecureContextOptions
  /** Why this connection is not taken; undefined when it is. */
  refusal(connection: TLSSocket): Error | undefined
  /** Calls `renewed` when there are others; see `Security` of the transport. The function that comes back ends it. */
  onRenewed(renewed: (cutAfterMs: number | undefined) => void): () => void
  /** Told of each connection that was not taken. */
  readonly refused: (address: string | undefined, reason: Error) => void
  readonly clock: Clock
}

/**
 * A server of the application over TLS: takes the connections of workloads of the trust domain only, shows the certificate of the moment,
 * and lets connections that were made before a change end with their next answer.
 */
export class SecuredServer {
  readonly #server: Server
  readonly #security: ServerSecurity
  /** Connections → how many changes came before them. */
  readonly #open = new Map<TLSSocket, number>()
  #changes = 0

  constructor(server: Server, security: ServerSecurity) {
    this.#server = server
    this.#security = security
    // It may have been made some time ago.
    server.setSecureContext(security.options)
    server.prependListener('secureConnection', this.#connected)
    server.prependListener('request', this.#requested)
    server.on('tlsClientError', (error: Error, connection: TLSSocket) => security.refused(connection.remoteAddress, error))
    server.once('close', security.onRenewed(this.#renewed))
  }

  #connected = (connection: TLSSocket): void => {
    const refusal = this.#security.refusal(connection)
    if (refusal !== undefined) {
      this.#security.refused(connection.remoteAddress, refusal)
      return void connection.destroy()
    }
    this.#open.set(connection, this.#changes)
    connection.once('close', () => this.#open.delete(connection))
  }

  #requested = ({ socket, httpVersionMajor }: IncomingMessage, response: ServerResponse): void => {
    if (httpVersionMajor === 1 && this.#open.get(socket as TLSSocket) !== this.#changes) response.setHeader('connection', 'close')
  }

  #renewed = (cutAfterMs: number | undefined): void => {
    this.#changes++
    this.#server.setSecureContext(this.#security.options)
    if (cutAfterMs === undefined) return
    const before = this.#changes
    this.#security.clock.after(cutAfterMs, () => {
      for (const [connection, changes] of this.#open) if (changes < before) connection.destroy()
    })
  }
}
