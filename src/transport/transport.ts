import type { Dispatcher, Pool } from 'undici'
import { systemClock, type Clock } from '../base/clock.js'
import { callable, fields, positiveMs, wholeNumber } from '../base/validate.js'
import type { Attempt } from '../call/call.js'
import { addressOf, type Endpoint } from '../call/endpoint.js'
import type { Handler } from '../call/layer.js'
import type { Reply } from '../call/reply.js'
import { connectorWithin } from './connector.js'
import { Exchange, type Line } from './exchange.js'
import { Lines } from './lines.js'
import { Places } from './places.js'
import { SecuredLines } from './secured-lines.js'
import type { Security } from './security.js'
import { refusedUnsent } from './transport-error.js'

export interface TransportOptions {
  /**
   * Time to open a connection. Default 250 ms: a first packet that was lost is sent again after a second (RFC 6298), so that
   * whoever waits longer than a round trip takes, and less than that second, waits in vain; elsewhere it is answered by then.
   */
  readonly connectTimeoutMs?: number | undefined
  /**
   * How long an idle connection is kept; less where the server's `Keep-Alive` says that it keeps it for less. It has to be
   * the client who gives up first: what is sent on a connection that is just being closed may be lost. Default 4000 ms.
   */
  readonly keepAliveMs?: number | undefined
  /**
   * Most connections to one endpoint, and so most requests under way there: each has one for itself until its body has ended.
   * With a pool of your own it is the number of requests alone. Default 1024, as in Envoy.
   */
  readonly maxConnections?: number | undefined
  /**
   * Most requests that wait for one of these, for at most the time of their attempt; the next ones fail at once with
   * `MESH_ERR_NO_SOCKET`. 0 for none. Default 1024, as in Envoy.
   */
  readonly maxWaiting?: number | undefined
  /** Most that the header fields of an answer may hold, all together. Default 16 KiB, as in Node. */
  readonly maxHeaderBytes?: number | undefined
  /**
   * Most that a body may hold that `text`, `json` or `bytes` reads as a whole; a longer one fails with `MESH_ERR_TOO_LARGE`. A
   * body that is read as a stream, or through `mesh.fetch`, has no limit. Default 16 MiB.
   */
  readonly maxResponseBytes?: number | undefined
  /**
   * Makes the pool of connections to one endpoint; for HTTP/2, an undici 7 or 8 of your own, or TLS without `createMesh({ tls })`. With
   * that it has to open its connections with `options.connect`. Default: an undici `Pool` over HTTP/1.1.
   */
  readonly createPool?: ((origin: string, options: Pool.Options) => Dispatcher) | undefined
}

/** {@link TransportOptions} with every default in its place. */
export type TransportSettings = Pick<TransportOptions, 'createPool'> & {
  readonly [K in Exclude<keyof TransportOptions, 'createPool'>]-?: NonNullable<TransportOptions[K]>
}

export const transportDefaults: TransportSettings = Object.freeze({
  connectTimeoutMs: 250,
  // A Node server closes an idle connection after 5 s.
  keepAliveMs: 4_000,
  maxConnections: 1_024,
  maxWaiting: 1_024,
  maxHeaderBytes: 16 * 1024,
  maxResponseBytes: 16 * 1024 * 1024,
})

export const readTransport = fields<TransportOptions>({
  connectTimeoutMs: positiveMs,
  keepAliveMs: positiveMs,
  maxConnections: wholeNumber(1),
  maxWaiting: wholeNumber(0),
  maxHeaderBytes: wholeNumber(1),
  maxResponseBytes: wholeNumber(1),
  createPool: callable('a function (origin, options) that makes an undici Dispatcher'),
})

/** The last stage: bytes to one endpoint and back. */
export interface Transport {
  readonly handle: Handler<Attempt>
  /** Lets what is under way end, then closes the connections. */
  close(): Promise<void>
}

/** Opens the connections to one endpoint; they are made when first needed. Without `security` they are in the clear. */
export function createTransport(endpoint: Endpoint, settings: TransportSettings, clock: Clock = systemClock, security?: Security): Transport {
  const { connectTimeoutMs, maxConnections, maxWaiting } = settings
  const places = new Places(maxConnections, maxWaiting)
  const plain = new Lines({ settings, origin: `http://${addressOf(endpoint)}`, connect: connectorWithin(connectTimeoutMs, clock) })
  let secured: SecuredLines | undefined
  const lineFor = (attempt: Attempt): Line => {
    const way = security?.wayTo(attempt.endpoint) ?? 'plain'
    if (way === 'plain') return plain.for(attempt)
    if (way instanceof Error) throw refusedUnsent(attempt, way)
    return (secured ??= new SecuredLines({ settings, address: addressOf(endpoint), clock, security: security! })).for(attempt, way.identity)
  }
  return {
    handle: (attempt) =>
      new Promise<Reply>((fulfil, reject) => {
        if (attempt.cancellation.reason !== undefined) reject(attempt.cancellation.reason)
        else new Exchange(places, lineFor, attempt, fulfil, reject)
      }),
    close: async () => void (await Promise.all([plain.close(), secured?.close()])),
  }
}
