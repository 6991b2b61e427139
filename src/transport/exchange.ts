import type { Dispatcher } from 'undici'
import { openBody } from '../call/body.js'
import type { Attempt } from '../call/call.js'
import { BodyFlow, type BodySource } from '../call/body-flow.js'
import type { ResponseHeaders } from '../call/headers.js'
import { Reply } from '../call/reply.js'
import type { Guest, Places } from './places.js'
import { badAnnouncements, givenUpWaiting, noPlace, transportError, unverified, type Progress } from './transport-error.js'

/** The way to one endpoint, which its exchanges share. */
export interface Line {
  readonly origin: string
  readonly pool: Dispatcher
  /** Most that a body may hold that is read as a whole. */
  readonly maxResponseBytes: number
  /** Whether a connection of it has been checked; undefined when none has to be. A pool of somebody else's could have a connector of its own. */
  readonly isVerified?: (() => boolean) | undefined
}

/** Where an exchange goes: asked when it begins, since it may have waited, and the way be another by then. Throws when there is none. */
export type LineFor = (attempt: Attempt) => Line

/** Interim answers that may come before the answer; one that only ever sends these would never end. */
const MAX_ANNOUNCEMENTS = 100

/**
 * One request on one connection: undici's handler on the one side, the reply's body on the other. The only object
 * that an attempt needs, so that the way stays as cheap as a bare dispatch.
 */
export class Exchange implements Dispatcher.DispatchHandler, BodySource, Guest {
  readonly #places: Places
  readonly #lineFor: LineFor
  readonly #attempt: Attempt
  readonly #fulfil: (reply: Reply) => void
  readonly #reject: (error: Error) => void
  #line: Line | undefined
  #progress: Progress = 'waiting'
  #controller: Dispatcher.DispatchController | undefined
  #flow: BodyFlow | undefined
  #announcements = 0

  constructor(places: Places, lineFor: LineFor, attempt: Attempt, fulfil: (reply: Reply) => void, reject: (error: Error) => void) {
    this.#places = places
    this.#lineFor = lineFor
    this.#attempt = attempt
    this.#fulfil = fulfil
    this.#reject = reject
    attempt.cancellation.subscribe(this.#cancelled)
    if (!places.enter(this)) this.#fail(noPlace(attempt))
  }

  begin(): void {
    const { call, headers } = this.#attempt
    const { method, path, body } = call
    try {
      const { origin, pool } = (this.#line = this.#lineFor(this.#attempt))
      const options = { origin, method, path, body: openBody(body), headers, headersTimeout: 0, bodyTimeout: 0 }
      pool.dispatch(options as Dispatcher.DispatchOptions, this)
    } catch (error) {
      this.onResponseError(undefined, error as Error)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    const { reason } = this.#attempt.cancellation
    // It was given up while it waited for a connection: nothing has been written, and nothing will be.
    if (reason !== undefined) return controller.abort(reason)
    const { isVerified } = this.#line!
    if (isVerified !== undefined && !isVerified()) return controller.abort(unverified(this.#attempt))
    this.#progress = 'sent'
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // 1xx only announces an answer (RFC 9110 §15.2).
    if (status < 200) {
      if (++this.#announcements > MAX_ANNOUNCEMENTS) controller.abort(badAnnouncements(this.#attempt))
      return
    }
    this.#progress = 'answered'
    this.#flow = new BodyFlow(this)
    const { endpoint, call } = this.#attempt
    const { maxResponseBytes: maxBytes } = this.#line!
    this.#fulfil(new Reply({ status, headers, endpoint, attempts: call.resends + 1, flow: this.#flow, maxBytes }))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#flow!.push(chunk)
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: ResponseHeaders): void {
    this.#attempt.cancellation.unsubscribe(this.#cancelled)
    this.#places.leave()
    this.#flow!.end(trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#places.leave()
    this.#fail(transportError(error, this.#attempt, this.#progress))
  }

  pause(): void {
    this.#controller!.pause()
  }

  resume(): void {
    this.#controller!.resume()
  }

  abort(reason: Error): void {
    this.#controller!.abort(reason)
  }

  #fail(failure: Error): void {
    this.#attempt.cancellation.unsubscribe(this.#cancelled)
    if (this.#flow === undefined) this.#reject(failure)
    else this.#flow.fail(failure)
  }

  #cancelled = (reason: Error): void => {
    this.#places.giveUp(this)
    // undici cannot take a waiting request back; whoever waits for it need not wait along.
    if (this.#controller === undefined) this.#reject(givenUpWaiting(reason))
    else this.#controller.abort(reason)
  }
}
