import { buildConnector, Pool, type Dispatcher } from 'undici'
import { MeshError } from './errors.js'

export interface HttpRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Absolute URL. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Time for the whole exchange. */
  readonly timeoutMs: number
  /** Most that a body may hold. Default 4 MiB. */
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** A small client for the mesh's own errands: registries, issuers and key sets. Never on the path of a call. */
export interface HttpClient {
  /** The answer, whatever its status; a redirect is an answer and is not followed. Throws `MESH_ERR_HTTP`. */
  request(request: HttpRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

const MAX_BYTES = 4 * 1024 * 1024

/** Opens a client whose sockets never keep the process alive: a long poll is no reason to go on living. */
export function createHttpClient(): HttpClient {
  const pools = new Map<string, Pool>()
  const poolFor = (origin: string): Pool => {
    const known = pools.get(origin)
    if (known !== undefined) return known
    const pool = new Pool(origin, { connect: backgroundConnector(), headersTimeout: 0, bodyTimeout: 0 })
    pools.set(origin, pool)
    return pool
  }
  return {
    async request(request) {
      const url = new URL(request.url)
      const pool = poolFor(url.origin)
      try {
        const answer = await pool.request({
          method: request.method ?? 'GET',
          path: url.pathname + url.search,
          headers: request.headers ?? null,
          body: request.body ?? null,
          signal: deadline(request),
        })
        const body = await boundedText(answer, request.maxBytes ?? MAX_BYTES)
        return { status: answer.statusCode, headers: answer.headers, body }
      } catch (cause) {
        throw new MeshError('MESH_ERR_HTTP', `${request.method ?? 'GET'} ${url.origin}${url.pathname} failed: ${reasonOf(cause)}`, { cause })
      }
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

function deadline({ timeoutMs, signal }: HttpRequest): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}

function backgroundConnector(): buildConnector.connector {
  const connect = buildConnector({ timeout: 5_000 })
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error !== null) return callback(error, null)
      // undici refs a socket whenever a request is on it.
      socket.unref()
      socket.ref = () => socket
      callback(null, socket)
    })
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

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // A refused connection to a name with several addresses is an AggregateError without a message of its own.
  return cause.message !== '' ? cause.message : ((cause as { code?: string }).code ?? cause.name)
}
