import '../base/builtin-fetch.js'
import { Pool, type Dispatcher } from 'undici'
import { callable, fields, positiveMs } from '../base/validate.js'
import { openBody } from '../call/body.js'
import type { Attempt } from '../call/call.js'
import { addressOf, type Endpoint } from '../call/endpoint.js'
import type { Handler } from '../call/layer.js'
import type { Reply } from '../call/reply.js'
import { Exchange } from './exchange.js'

export interface TransportOptions {
  /** Time to open a connection. Default 1000 ms. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * How long an idle connection is kept; less where the server's `Keep-Alive` says that it keeps it for less. It has to be
   * the client who gives up first: what is sent on a connection that is just being closed may be lost. Default 4000 ms.
   */
  readonly keepAliveMs?: number | undefined
  /** Makes the pool of connections to one endpoint; for TLS, HTTP/2 or an undici 7 or 8 of your own. Default: an undici `Pool`. */
  readonly createPool?: ((origin: string, options: Pool.Options) => Dispatcher) | undefined
}

export interface TransportSettings {
  readonly connectTimeoutMs: number
  readonly keepAliveMs: number
  readonly createPool: (origin: string, options: Pool.Options) => Dispatcher
}

export const transportDefaults: TransportSettings = Object.freeze({
  connectTimeoutMs: 1_000,
  // A Node server closes an idle connection after 5 s.
  keepAliveMs: 4_000,
  createPool: (origin: string, options: Pool.Options) => new Pool(origin, options),
})

export const readTransport = fields<TransportOptions>({
  connectTimeoutMs: positiveMs,
  keepAliveMs: positiveMs,
  createPool: callable('a function (origin, options) that makes an undici Dispatcher'),
})

/** The last stage: bytes to one endpoint and back. */
export interface Transport {
  readonly handle: Handler<Attempt>
  /** Lets what is under way end, then closes the connections. */
  close(): Promise<void>
}

/** Opens the connections to one endpoint; they are made when first needed. */
export function createTransport(endpoint: Endpoint, settings: TransportSettings): Transport {
  const origin = `http://${addressOf(endpoint)}`
  const pool = settings.createPool(origin, {
    connect: { timeout: settings.connectTimeoutMs },
    keepAliveTimeout: settings.keepAliveMs,
    // Without it a server's `Keep-Alive: timeout=…` would make it longer.
    keepAliveMaxTimeout: settings.keepAliveMs,
    // The stages above own all time; undici's own timers would be a second opinion.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    handle: (attempt) =>
      new Promise<Reply>((fulfil, reject) => {
        if (attempt.cancellation.reason !== undefined) return reject(attempt.cancellation.reason)
        const { method, path, body } = attempt.call
        const exchange = new Exchange(attempt, fulfil, reject)
        try {
          const options = { origin, method, path, body: openBody(body), headers: attempt.headers, headersTimeout: 0, bodyTimeout: 0 }
          pool.dispatch(options as Dispatcher.DispatchOptions, exchange)
        } catch (error) {
          exchange.onResponseError(undefined, error as Error)
        }
      }),
    close: () => pool.close(),
  }
}
