import type { Socket } from 'node:net'
import './builtin-fetch.js'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import { systemClock, type Clock } from './clock.js'
import { MeshError } from './errors.js'

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

/** A small client for the mesh's own errands: registries, issuers and key sets. Never on the path of a call. */
export interface HttpClient {
  /** The answer, whatever its status; a redirect is an answer and is not followed. Throws `MESH_ERR_HTTP`. */
  request(request: HttpRequest): Promise<HttpAnswer>
  /** Fails what is under way and closes every connection. Harmless when repeated. */
  close(): Promise<void>
}

const MAX_BYTES = 4 * 1024 * 1024
const CONNECT_TIMEOUT_MS = 5_000

/** Opens a client whose sockets never keep the process alive: a long poll is no reason to go on living. */
export function createHttpClient(clock: Clock = systemClock): HttpClient {
  const pools = new Map<string, Pool>()
  let closed = false

  const poolFor = (origin: string): Pool => {
    if (closed) throw new Error('the client is closed')
    // The deadline below bounds every exchange; a second limit would only cut long polls.
    const pool = pools.get(origin) ?? new Pool(origin, { connect: backgroundConnector(), headersTimeout: 0, bodyTimeout: 0 })
    pools.set(origin, pool)
    return pool
  }

  const exchange = async (request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> => {
    const url = new URL(request.url)
    const answer = await poolFor(url.origin).request({
      method: request.method ?? 'GET',
      path: url.pathname + url.search,
      headers: request.headers ?? null,
      body: request.body ?? null,
      signal,
    })
    return { status: answer.statusCode, headers: answer.headers, body: await boundedText(answer, request.maxBytes ?? MAX_BYTES) }
  }

  return {
    async request(request) {
      const aborter = new AbortController()
      const tooLate = new Error(`no whole answer within ${request.timeoutMs} ms`)
      const timer = clock.after(request.timeoutMs, () => aborter.abort(tooLate))
      const onAbort = (): void => aborter.abort(request.signal?.reason)
      if (request.signal?.aborted) onAbort()
      request.signal?.addEventListener('abort', onAbort)
      try {
        return await exchange(request, aborter.signal)
      } catch (cause) {
        const what = `${request.method ?? 'GET'} ${withoutSecrets(request.url)}`
        throw new MeshError('MESH_ERR_HTTP', `${what} failed: ${reasonOf(cause)}`, { cause })
      } finally {
        timer.cancel()
        request.signal?.removeEventListener('abort', onAbort)
      }
    },

    async close() {
      closed = true
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

function backgroundConnector(): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS })
  return (options, callback) => {
    // The declaration leaves it out, but the connector gives its socket back at once: an address that never answers must
    // not keep the process alive while it is being connected to.
    const connecting = connect(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      // Trying a second address of a name replaces the handle, and undici refs a socket whenever a request is on it.
      socket.unref()
      socket.ref = () => socket
      callback(null, socket)
    }) as unknown as Socket
    connecting.unref()
  }
}

async function boundedText(answer: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // Leaving the loop destroys the stream, and with it the connection.
    if (bytes > maxBytes) throw new Error(`the body is over ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
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
