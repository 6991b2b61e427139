import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { boundedText, createHttpClient, HttpSilence, type HttpTls } from '../base/http.js'
import { linesOf } from '../base/http-lines.js'

/** One message of etcd's JSON gateway; numbers of 64 bits are text. */
export type EtcdMessage = Readonly<Record<string, unknown>>

export interface EtcdRequest {
  /** Below `/v3`. */
  readonly path: string
  readonly message: object
  /** Time in which a member has to answer; of a stream, to begin. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

export interface EtcdStreamRequest extends EtcdRequest {
  /** The stream ends when nothing has come for so long. */
  readonly idleMs: number
}

/** etcd has heard, and will not. */
export class EtcdRefusal extends MeshError {
  constructor(
    /** The status of HTTP that stands for etcd's own. */
    readonly status: number,
    message: string,
  ) {
    super('MESH_ERR_REGISTRY', message)
  }
}

/**
 * The wire: etcd's gRPC API as JSON over HTTP ({@link https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/}), one member at
 * a time. Everything throws {@link EtcdRefusal}, or `MESH_ERR_REGISTRY` when there is no answer of etcd's.
 */
export interface EtcdGateway {
  ask(url: string, request: EtcdRequest, token: string | undefined): Promise<EtcdMessage>
  /** Fulfils when the stream has begun. */
  listen(url: string, request: EtcdStreamRequest, token: string | undefined): Promise<AsyncIterable<EtcdMessage>>
  localAddress(url: string): string | undefined
  close(): Promise<void>
}

/** A list of 10,000 instances is some 5 MB. */
const MAX_BYTES = 64 * 1024 * 1024

export function openGateway(clock: Clock, tls: HttpTls): EtcdGateway {
  const http = createHttpClient(clock, tls)

  const asHttp = (url: string, { path, message, timeoutMs, signal }: EtcdRequest, token: string | undefined) => ({
    method: 'POST' as const,
    url: `${url}/v3${path}`,
    headers: {
      'content-type': 'application/json',
      // A member that is cut off from the others says so at once, instead of waiting for them or telling what is old.
      'grpc-metadata-hasleader': 'true',
      ...(token !== undefined && { authorization: token }),
    },
    body: JSON.stringify(message),
    timeoutMs,
    ...(signal !== undefined && { signal }),
  })

  async function* messagesOf(url: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<EtcdMessage> {
    try {
      for await (const line of linesOf(chunks, MAX_BYTES)) yield read(url, line)
    } catch (error) {
      if (!(error instanceof MeshError && error.cause instanceof HttpSilence)) throw unanswered(url, error)
    }
  }

  return {
    async ask(url, request, token) {
      try {
        const { status, body } = await http.request({ ...asHttp(url, request, token), maxBytes: MAX_BYTES })
        if (status !== 200) throw refusal(url, status, body)
        return read(url, body)
      } catch (error) {
        throw unanswered(url, error)
      }
    },

    async listen(url, request, token) {
      try {
        const { status, chunks } = await http.stream({ ...asHttp(url, request, token), idleMs: request.idleMs })
        if (status !== 200) throw refusal(url, status, await boundedText(chunks))
        return messagesOf(url, chunks)
      } catch (error) {
        throw unanswered(url, error)
      }
    },

    localAddress: (url) => http.localAddress(url),
    close: () => http.close(),
  }
}

/** What streams is wrapped in `result`, and ends with an `error` when etcd cannot go on. */
function read(url: string, json: string): EtcdMessage {
  let answer: unknown
  try {
    answer = JSON.parse(json)
  } catch (cause) {
    throw new MeshError('MESH_ERR_REGISTRY', `What ${url} answers is not JSON: is it an etcd?`, { cause })
  }
  if (!isMessage(answer)) throw new MeshError('MESH_ERR_REGISTRY', `What ${url} answers is not an object: is it an etcd?`)
  const { result, error } = answer
  if (error !== undefined) throw refusal(url, Number((isMessage(error) && error['http_code']) || 500), json)
  return isMessage(result) ? result : answer
}

export function isMessage(value: unknown): value is EtcdMessage {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An error has two forms: `{ error: text }`, and `{ error: { message: text } }` where the answer is a stream. */
function refusal(url: string, status: number, body: string): EtcdRefusal {
  let reason = body.slice(0, 200).trim()
  try {
    const { error } = JSON.parse(body) as { error: string | { message: string } }
    reason = typeof error === 'string' ? error : error.message
  } catch {
    // Not an etcd, or one without this path: its own words must do.
  }
  return new EtcdRefusal(status, `etcd at ${url} refuses with status ${status}: ${reason}`)
}

function unanswered(url: string, cause: unknown): MeshError {
  if (cause instanceof MeshError && cause.code === 'MESH_ERR_REGISTRY') return cause
  return new MeshError('MESH_ERR_REGISTRY', `etcd does not answer at ${url}: ${(cause as Error).message}`, { cause })
}
