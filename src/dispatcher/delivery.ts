import { AsyncLocalStorage } from 'node:async_hooks'
import type { Dispatcher } from 'undici'
import { MeshError } from '../base/errors.js'
import { Cancellation } from '../call/cancellation.js'
import type { BodyFlow, BodySink } from '../call/body-flow.js'
import type { ResponseHeaders } from '../call/headers.js'
import type { Reply } from '../call/reply.js'
import { rawHeaders } from './legacy-handler.js'

/** Hands a reply to an undici handler, chunk by chunk and no faster than the handler asks for. */
export class Delivery implements BodySink, Dispatcher.DispatchController {
  readonly cancellation = new Cancellation()
  rawHeaders: Buffer[] | null = null
  rawTrailers: Buffer[] | null = null
  paused = false
  reason: Error | null = null
  readonly #handler: Dispatcher.DispatchHandler
  readonly #service: string
  // A socket's events run in the context of whichever request opened it; the handler is called in its own.
  readonly #asCaller = AsyncLocalStorage.snapshot()
  #flow: BodyFlow | undefined
  #piped = false
  #over = false

  constructor(handler: Dispatcher.DispatchHandler, service: string) {
    this.#handler = handler
    this.#service = service
  }

  /** Tells the handler that its request is on its way; false if the handler wants none of it. */
  start(): boolean {
    this.#tell(() => this.#handler.onRequestStart?.(this, {}))
    return !this.aborted
  }

  deliver(reply: Reply): void {
    this.#flow = reply.flow
    this.rawHeaders = rawHeaders(reply.headers)
    // Gone meanwhile: nobody is left to hear of the answer.
    if (this.reason !== null) return reply.cancel(this.reason)
    this.#tell(() => this.#handler.onResponseStart?.(this, reply.status, reply.headers, ''))
    if (!this.paused && !this.aborted) this.#pipe()
  }

  data(chunk: Buffer): boolean {
    this.#tell(() => this.#handler.onResponseData?.(this, chunk))
    return !this.paused
  }

  end(trailers: ResponseHeaders): void {
    this.#over = true
    this.rawTrailers = rawHeaders(trailers)
    this.#tell(() => this.#handler.onResponseEnd?.(this, trailers))
  }

  fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    // An abort is reported in the words of the one who asked for it.
    this.#asCaller(() => this.#handler.onResponseError?.(this, this.reason ?? error))
  }

  get aborted(): boolean {
    return this.reason !== null
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
    if (this.#piped) this.#flow!.resume()
    else if (this.#flow !== undefined) this.#pipe()
  }

  abort(reason: Error): void {
    if (this.aborted || this.#over) return
    this.reason = reason ?? new Error('aborted')
    this.cancellation.cancel(
      new MeshError('MESH_ERR_ABORTED', `${this.#service}: the caller gave the call up`, { service: this.#service, processed: 'maybe', cause: reason }),
    )
    this.fail(this.reason)
  }

  #pipe(): void {
    this.#piped = true
    this.#flow!.pipe(this)
  }

  /** A handler that throws has given its request up, as with undici's own dispatchers. */
  #tell(callback: () => void): void {
    try {
      this.#asCaller(callback)
    } catch (error) {
      this.#over = false
      this.abort(error as Error)
    }
  }
}
