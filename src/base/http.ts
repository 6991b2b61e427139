import type { Socket } from 'node:net'
import './builtin-fetch.js'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import { systemClock, type Clock, type Timer } from './clock.js'
import { MeshError } from './errors.js'
import { guardedLookup, refusedHost } from './forbidden-address.js'

export interface HttpRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Absolute URL. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Time for the whole exchange, connecting and the body included. */
  readonly timeoutMs: number
  /** Most that a body may hold. Default 4 MiB. */
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  /** Names are lower-case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface HttpStreamRequest extends Omit<HttpRequest, 'maxBytes'> {
  /** Time until the headers are there, connecting included. */
  readonly timeoutMs: number
  /** Longest silence of the body: it fails when nothing has come for so long. */
  readonly idleMs: number
}

/** Why a stream was given up: nothing came for its `idleMs`. */
export class HttpSilence extends Error {}

/** An answer whose body comes bit by bit, perhaps for ever. */
export interface HttpStream extends Omit<HttpAnswer, 'body'> {
  /**
   * To be read once; leaving it hangs up. Throws `MESH_ERR_HTTP` when it breaks off or the signal aborts, and when it falls
   * silent, with {@link HttpSilence} as its cause.
   */
  readonly chunks: AsyncIterable<Uint8Array>
}

/** How a client shows itself and whom it trusts over TLS; each is PEM text. */
export interface HttpTls {
  /** Authorities to trust instead of the system's. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** Whether a client goes anywhere that its configuration names, or not to link-local and other forbidden addresses. */
export type HttpReach = 'anywhere' | 'services'

/** A small client for the mesh's own errands: registries, issuers and key sets. Never on the path of a call. */
export interface HttpClient {
  /** The answer, whatever its status; a redirect is an answer and is not followed. Throws `MESH_ERR_HTTP`. */
  request(request: HttpRequest): Promise<HttpAnswer>
  /** As `request`, but the body is handed over as it comes. */
  stream(request: HttpStreamRequest): Promise<HttpStream>
  /** This machine's address as the newest connection to the URL's origin shows it; undefined when none was made. */
  localAddress(url: string): string | undefined
  /** Fails what is under way and closes every connection. Harmless when repeated. */
  close(): Promise<void>
}

const MAX_BYTES = 4 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 5_000

/** Opens a client whose sockets never keep the process alive: a long poll is no reason to go on living. */
export function createHttpClient(clock: Clock = systemClock, tls: HttpTls = {}, reach: HttpReach = 'anywhere'): HttpClient {
  const pools = new Map<string, Pool>()
  const localAddresses = new Map<string, string>()
  let closed = false

  const poolFor = (origin: string): Pool => {
    if (closed) throw new Error('the client is closed')
    const known = pools.get(origin)
    if (known !== undefined) return known
    const connect = backgroundConnector(tls, reach, (address) => localAddresses.set(origin, address))
    // The deadlines below bound every exchange; another limit would only cut long polls.
    const pool = new Pool(origin, { connect, headersTimeout: 0, bodyTimeout: 0 })
    pools.set(origin, pool)
    return pool
  }

  const send = async (request: HttpRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> => {
    const url = new URL(request.url)
    return poolFor(url.origin).request({
      method: request.method ?? 'GET',
      path: url.pathname + url.search,
      headers: request.headers ?? null,
      body: request.body ?? null,
      signal,
    })
  }

  return {
    async request(request) {
      const leash = leashOn(request.signal)
      const tooLate = new Error(`no whole answer within ${request.timeoutMs} ms`)
      const timer = clock.after(request.timeoutMs, () => leash.pull(tooLate))
      try {
        const { statusCode, headers, body } = await send(request, leash.signal)
        return { status: statusCode, headers, body: await boundedText(body, request.maxBytes) }
      } catch (cause) {
        throw failed(request, cause)
      } finally {
        timer.cancel()
        leash.release()
      }
    },

    async stream(request) {
      const leash = leashOn(request.signal)
      const tooLate = new Error(`no answer within ${request.timeoutMs} ms`)
      const timer = clock.after(request.timeoutMs, () => leash.pull(tooLate))
      try {
        const { statusCode, headers, body } = await send(request, leash.signal)
        return { status: statusCode, headers, chunks: chunksOf(body, request, leash) }
      } catch (cause) {
        leash.release()
        throw failed(request, cause)
      } finally {
        timer.cancel()
      }
    },

    localAddress: (url) => localAddresses.get(new URL(url).origin),

    async close() {
      closed = true
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }

  async function* chunksOf(body: AsyncIterable<Uint8Array>, request: HttpStreamRequest, leash: Leash) {
    const silent = new HttpSilence(`nothing came for ${request.idleMs} ms`)
    const listen = (): Timer => clock.after(request.idleMs, () => leash.pull(silent))
    let timer = listen()
    try {
      for await (const chunk of body) {
        timer.cancel()
        yield chunk
        timer = listen()
      }
    } catch (cause) {
      throw failed(request, cause)
    } finally {
      timer.cancel()
      leash.release()
    }
  }
}

/** Ends an exchange for the caller's reason or for ours. */
interface Leash {
  readonly signal: AbortSignal
  pull(reason: unknown): void
  release(): void
}

function leashOn(caller: AbortSignal | undefined): Leash {
  const aborter = new AbortController()
  const onAbort = (): void => aborter.abort(caller?.reason)
  if (caller?.aborted) onAbort()
  caller?.addEventListener('abort', onAbort)
  return {
    signal: aborter.signal,
    pull: (reason) => aborter.abort(reason),
    release: () => caller?.removeEventListener('abort', onAbort),
  }
}

function backgroundConnector(tls: HttpTls, reach: HttpReach, onLocalAddress: (address: string) => void): buildConnector.connector {
  // No resumed sessions: in one of these nobody asks again whether the certificate is for this host.
  const connect = buildConnector({ ...tls, timeout: CONNECT_TIMEOUT_MS, maxCachedSessions: 0, ...(reach === 'services' && { lookup: guardedLookup }) })
  return (options, callback) => {
    const refused = reach === 'services' ? refusedHost(options.hostname) : undefined
    if (refused !== undefined) return callback(refused, null)
    // The declaration leaves it out, but the connector gives its socket back at once: an address that never answers must
    // not keep the process alive while it is being connected to.
    const connecting = connect(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      // Trying a second address of a name replaces the handle, and undici refs a socket whenever a request is on it.
      socket.unref()
      socket.ref = () => socket
      if (socket.localAddress !== undefined) onLocalAddress(socket.localAddress)
      callback(null, socket)
    }) as unknown as Socket
    connecting.unref()
  }
}

/** A body to its end as text. Throws when it is longer than `maxBytes`, 4 MiB by default. */
export async function boundedText(body: AsyncIterable<Uint8Array>, maxBytes: number = MAX_BYTES): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (bytes > maxBytes) throw new Error(`the body is over ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function failed(request: HttpRequest, cause: unknown): MeshError {
  const what = `${request.method ?? 'GET'} ${withoutSecrets(request.url)}`
  return new MeshError('MESH_ERR_HTTP', `${what} failed: ${reasonOf(cause)}`, { cause })
}

/** A query may hold a token, and so may the part before the host. */
function withoutSecrets(url: string): string {
  return URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : 'a URL that is none'
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // A refused connection to a name with several addresses is an AggregateError without a message of its own.
  return cause.message !== '' ? cause.message : ((cause as { code?: string }).code ?? cause.name)
}
