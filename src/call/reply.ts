import { type Readable } from 'node:stream'
import { MeshError } from '../base/errors.js'
import type { Endpoint } from './endpoint.js'
import { collect } from './collect.js'
import type { BodyEnd, BodyFlow } from './body-flow.js'
import type { ResponseHeaders } from './headers.js'

interface ReplyHead {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly endpoint: Endpoint
  readonly attempts: number
  readonly flow: BodyFlow
  readonly fallback?: boolean
  /** Most that the body may hold when it is read as a whole. Default: no limit. */
  readonly maxBytes?: number
}

/**
 * An answer. Read its body once, by `text`, `json`, `bytes` or as the stream `body`; read it or `cancel` it: a large
 * unread body holds a connection until the call's deadline.
 */
export class Reply {
  readonly status: number
  readonly headers: ResponseHeaders
  /** The endpoint that answered. */
  readonly endpoint: Endpoint
  /** How many attempts it took, this one included. */
  readonly attempts: number
  /** Whether the service's `fallback` made it, because the service failed; `endpoint` then is none, and its id `fallback`. */
  readonly fallback: boolean
  readonly #flow: BodyFlow
  readonly #maxBytes: number
  #body: Readable | undefined

  constructor(head: ReplyHead) {
    this.status = head.status
    this.headers = head.headers
    this.endpoint = head.endpoint
    this.attempts = head.attempts
    this.fallback = head.fallback ?? false
    this.#flow = head.flow
    this.#maxBytes = head.maxBytes ?? Infinity
  }

  /** Whether the status is 200–299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  /** Fulfils when the body has ended, failed or been dropped; never rejects. */
  get done(): Promise<BodyEnd> {
    return this.#flow.done
  }

  /** The body as a Node stream, made when first asked for. */
  get body(): Readable {
    return (this.#body ??= this.#flow.stream())
  }

  /** The whole body; one that is too large rejects with `MESH_ERR_TOO_LARGE`, here and in `text` and `json`. */
  async bytes(): Promise<Uint8Array> {
    return collect(this.#flow, this.#maxBytes)
  }

  async text(): Promise<string> {
    const bytes = await collect(this.#flow, this.#maxBytes)
    // A byte order mark is no part of the text (Fetch standard, "UTF-8 decode").
    const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
    return bytes.toString('utf8', start)
  }

  /** The body parsed as JSON; a body that is none rejects with `MESH_ERR_RESPONSE`. */
  async json(): Promise<unknown> {
    const text = await this.text()
    try {
      return JSON.parse(text)
    } catch (cause) {
      throw new MeshError('MESH_ERR_RESPONSE', `The answer of ${this.endpoint.id} (status ${this.status}) is not JSON`, {
        endpoint: this.endpoint.id,
        processed: 'yes',
        cause,
      })
    }
  }

  /** Drops what is left of the body and frees its connection. */
  cancel(reason?: Error): void {
    this.#flow.drop(reason)
  }

  /** The body as pushed chunks, for a dispatcher's handler. */
  get flow(): BodyFlow {
    return this.#flow
  }
}
