import type { Dispatcher } from 'undici'
import type { Attempt } from '../call/call.js'
import { BodyFlow, type BodySource } from '../call/body-flow.js'
import type { ResponseHeaders } from '../call/headers.js'
import { Reply } from '../call/reply.js'
import { transportError, type Progress } from './transport-error.js'

/**
 * One request on one connection: undici's handler on the one side, the reply's body on the other. The only object
 * that an attempt needs, so that the way stays as cheap as a bare dispatch.
 */
export class Exchange implements Dispatcher.DispatchHandler, BodySource {
  readonly #attempt: Attempt
  readonly #fulfil: (reply: Reply) => void
  readonly #reject: (error: Error) => void
  #progress: Progress = 'waiting'
  #controller: Dispatcher.DispatchController | undefined
  #flow: BodyFlow | undefined

  constructor(attempt: Attempt, fulfil: (reply: Reply) => void, reject: (error: Error) => void) {
    this.#attempt = attempt
    this.#fulfil = fulfil
    this.#reject = reject
    attempt.cancellation.subscribe(this.#cancelled)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    const { reason } = this.#attempt.cancellation
    // It was given up while it waited for a connection: nothing has been written, and nothing will be.
    if (reason !== undefined) return controller.abort(reason)
    this.#progress = 'sent'
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // 1xx only announces an answer (RFC 9110 §15.2).
    if (status < 200) return
    this.#progress = 'answered'
    this.#flow = new BodyFlow(this)
    const { endpoint, call } = this.#attempt
    this.#fulfil(new Reply({ status, headers, endpoint, attempts: call.resends + 1, flow: this.#flow }))
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#flow!.push(chunk)
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: ResponseHeaders): void {
    this.#attempt.cancellation.unsubscribe(this.#cancelled)
    this.#flow!.end(trailers)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#attempt.cancellation.unsubscribe(this.#cancelled)
    const failure = transportError(error, this.#attempt, this.#progress)
    if (this.#flow === undefined) this.#reject(failure)
    else this.#flow.fail(failure)
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

  #cancelled = (reason: Error): void => {
    // undici cannot take a waiting request back; whoever waits for it need not wait along.
    if (this.#controller === undefined) this.#reject(reason)
    else this.#controller.abort(reason)
  }
}
