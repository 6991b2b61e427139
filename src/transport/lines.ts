import type { buildConnector, Dispatcher, Pool } from 'undici'
import type { Attempt } from '../call/call.js'
import type { Line } from './exchange.js'
import { ownPool } from './own-pool.js'

/** What of the transport's settings is a pool's. */
export interface PoolSettings {
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  readonly maxConnections: number
  readonly maxHeaderBytes: number
  readonly maxResponseBytes: number
  readonly createPool?: ((origin: string, options: Pool.Options) => Dispatcher) | undefined
}

export interface LinesOptions {
  readonly origin: string
  readonly settings: PoolSettings
  readonly connect: buildConnector.connector
  /** For lines over TLS: a connection that is older is given nothing new. */
  readonly secured?: { readonly maxConnectionAgeMs: number } | undefined
}

/** The connections to one endpoint that are opened in one way; they are made when first needed. */
export class Lines {
  readonly #options: LinesOptions
  readonly #line: Line
  #unused: Line | undefined
  #opened = false

  constructor(options: LinesOptions) {
    this.#options = options
    const { origin, settings } = options
    this.#line = this.#over(settings.createPool?.(origin, this.#poolOptions()) ?? this.#ownPool())
  }

  for({ call }: Attempt): Line {
    if (call.resends === 0 || this.#options.settings.createPool !== undefined) return this.#line
    // What is sent again goes on a connection of its own: an idle one may be closing, like that on which it was lost.
    return (this.#unused ??= this.#over(this.#ownPool({ pipelining: 0 })))
  }

  /** Lets what is under way end, then closes the connections. */
  async close(): Promise<void> {
    await Promise.all([this.#line.pool.close(), this.#unused?.pool.close()])
  }

  /** Cuts what is left. */
  cut(reason: Error): void {
    void this.#line.pool.destroy(reason).catch(() => {})
    void this.#unused?.pool.destroy(reason).catch(() => {})
  }

  #over(pool: Dispatcher): Line {
    const { origin, settings, secured } = this.#options
    return { origin, pool, maxResponseBytes: settings.maxResponseBytes, isVerified: secured && (() => this.#opened) }
  }

  #ownPool(more: Pool.Options = {}): Pool {
    const { origin, settings, secured } = this.#options
    const age = secured && { clientTtl: secured.maxConnectionAgeMs }
    return ownPool(origin, { ...this.#poolOptions(), connections: settings.maxConnections, ...age, ...more })
  }

  #poolOptions(): Pool.Options {
    const { connect, secured, settings } = this.#options
    const { connectTimeoutMs, keepAliveMs, maxHeaderBytes } = settings
    return {
      connect: secured === undefined ? connect : this.#connect,
      // For a pool that has a connector of its own.
      connectTimeout: connectTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      // Without it a server's `Keep-Alive: timeout=…` would make it longer.
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
      // The stages above own all time; undici's own timers would be a second opinion.
      headersTimeout: 0,
      bodyTimeout: 0,
    }
  }

  #connect: buildConnector.connector = (options, callback) =>
    this.#options.connect(options, (...result) => {
      this.#opened ||= result[0] === null
      callback(...result)
    })
}
