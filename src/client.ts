import { MeshError } from './base/errors.js'
import { fields, flag, mapOf, oneOf, positiveMs, text } from './base/validate.js'
import { isStream, type RequestBody } from './call/body.js'
import { Cancellation } from './call/cancellation.js'
import { headerValue } from './call/headers.js'
import { PRIORITIES, type Priority } from './call/priority.js'
import type { Reply } from './call/reply.js'

/** One request, as a caller asks for it. */
export interface RequestOptions {
  /** Header fields to send. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A value sent as JSON, with `content-type: application/json`. */
  readonly json?: unknown
  /**
   * Text, bytes, a stream, a function that makes a stream for each attempt, or what `fetch` takes as a body (FormData,
   * URLSearchParams, Blob). A stream that is longer than 64 KiB is sent once; what a function makes can always be sent again.
   */
  readonly body?: RequestBody | FormData | URLSearchParams | Blob | undefined
  /** Values for the `{names}` in the path, percent-encoded; the path is then also the name of the span. */
  readonly params?: Readonly<Record<string, string | number>> | undefined
  /** Time for the whole call. Default: the service's `timeoutMs`. */
  readonly timeoutMs?: number | undefined
  /**
   * How much the call matters when not all can be served: `low` is given up first, `critical` last. Default: that of the request
   * that is being served, else `normal`.
   */
  readonly priority?: Priority | undefined
  /** Whether doing it twice is the same as doing it once. Default: what the method and an `Idempotency-Key` say, or the service's `retry.idempotent`. */
  readonly idempotent?: boolean | undefined
  /** `false`: one attempt and no other, whatever becomes of it; no hedge either. Default true. */
  readonly retry?: boolean | undefined
  /** Gives the call up. */
  readonly signal?: AbortSignal | undefined
}

/** What {@link ServiceClient} passes on: everything settled but the service's own policy. */
export interface ClientRequest {
  readonly method: string
  readonly path: string
  readonly template: string | undefined
  readonly headers: readonly string[]
  readonly body: RequestBody
  readonly timeoutMs: number | undefined
  readonly priority: Priority | undefined
  readonly idempotent: boolean | undefined
  readonly once: boolean
  readonly cancellation: Cancellation
}

const readOptions = fields<Omit<RequestOptions, 'json' | 'body' | 'signal'>>({
  headers: mapOf(text, (value, path) => text(String(value), path)),
  params: mapOf(text, (value) => String(value)),
  timeoutMs: positiveMs,
  priority: oneOf(...PRIORITIES),
  idempotent: flag,
  retry: flag,
})

/** Calls to one service: `mesh.service('users').get('/users/{id}', { params: { id: 42 } })`. An answer of any status fulfils. */
export class ServiceClient {
  readonly #send: (request: ClientRequest) => Promise<Reply>

  constructor(send: (request: ClientRequest) => Promise<Reply>) {
    this.#send = send
  }

  get(path: string, options?: RequestOptions): Promise<Reply> {
    return this.request('GET', path, options)
  }

  head(path: string, options?: RequestOptions): Promise<Reply> {
    return this.request('HEAD', path, options)
  }

  post(path: string, options?: RequestOptions): Promise<Reply> {
    return this.request('POST', path, options)
  }

  put(path: string, options?: RequestOptions): Promise<Reply> {
    return this.request('PUT', path, options)
  }

  patch(path: string, options?: RequestOptions): Promise<Reply> {
    return this.request('PATCH', path, options)
  }

  delete(path: string, options?: RequestOptions): Promise<Reply> {
    return this.request('DELETE', path, options)
  }

  /** Sends a request with any method. */
  request(method: string, path: string, options: RequestOptions = {}): Promise<Reply> {
    // Not an async function: one that returns a promise costs three turns more.
    try {
      return this.#request(method, path, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #request(method: string, path: string, options: RequestOptions): Promise<Reply> {
    if (typeof path !== 'string' || !path.startsWith('/')) {
      throw new MeshError('MESH_ERR_REQUEST', `A path begins with a slash, got ${JSON.stringify(path)}`)
    }
    const { json, body, signal, ...rest } = options
    const { headers, params, timeoutMs, priority, idempotent, retry = true } = readOptions(rest, '')
    const list: string[] = []
    for (const name in headers) list.push(name.toLowerCase(), headers[name]!)
    const cancellation = new Cancellation()
    const stopListening = signal === undefined ? undefined : cancelOnAbort(signal, cancellation)
    const sending = this.#send({
      method: method.toUpperCase(),
      path: params === undefined ? path : expand(path, params as Readonly<Record<string, string>>),
      template: params === undefined ? undefined : path,
      headers: list,
      body: json === undefined ? encode(body ?? null, list) : encodeJson(json, list),
      timeoutMs,
      priority,
      idempotent,
      once: !retry,
      cancellation,
    })
    return stopListening === undefined ? sending : untilTheEnd(sending, stopListening)
  }
}

function encodeJson(value: unknown, headers: string[]): string {
  if (headerValue(headers, 'content-type') === undefined) headers.push('content-type', 'application/json')
  return JSON.stringify(value)
}

function encode(body: NonNullable<RequestOptions['body']> | null, headers: string[]): RequestBody {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array || isStream(body as RequestBody)) {
    return body as RequestBody
  }
  // The platform knows how to write each of these, and what content type goes with it.
  const written = new Response(body as FormData | URLSearchParams | Blob)
  const contentType = written.headers.get('content-type')
  if (contentType !== null && headerValue(headers, 'content-type') === undefined) headers.push('content-type', contentType)
  return written.body
}

function expand(template: string, params: Readonly<Record<string, string>>): string {
  return template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const value = params[name]
    if (value === undefined) throw new MeshError('MESH_ERR_REQUEST', `No value in params for {${name}} of ${template}`)
    // An empty or dotted segment would name another path than the template does.
    if (/^\.{0,2}$/.test(value)) throw new MeshError('MESH_ERR_REQUEST', `params.${name}: ${JSON.stringify(value)} is no path segment`)
    return encodeURIComponent(value)
  })
}

function cancelOnAbort(signal: AbortSignal, cancellation: Cancellation): () => void {
  const abort = (): void =>
    cancellation.cancel(new MeshError('MESH_ERR_ABORTED', 'The caller gave the call up', { processed: 'maybe', cause: signal.reason }))
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return () => signal.removeEventListener('abort', abort)
}

/** Stops listening when the call is over; its body is a part of it. */
async function untilTheEnd(sending: Promise<Reply>, stopListening: () => void): Promise<Reply> {
  try {
    const reply = await sending
    void reply.done.then(stopListening)
    return reply
  } catch (error) {
    stopListening()
    throw error
  }
}
