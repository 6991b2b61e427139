import type { Clock, Timer } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'

interface AwaitedParts {
  readonly clock: Clock
  readonly wheel: TimerWheel
}

/** How nginx writes down a caller who has hung up; nobody is sent it. */
const CLIENT_CLOSED_REQUEST = 499

/**
 * Gives the application only what somebody still waits for: the stages above may have waited themselves, for keys or for a
 * place. And tells it, if it asks, when nobody waits any more.
 */
export function awaited(parts: AwaitedParts): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    if (inbound.cancellation.reason !== undefined) {
      return { status: CLIENT_CLOSED_REQUEST, route: undefined, aborted: true, answer: undefined }
    }
    if (parts.clock.now() >= inbound.deadlineAt) throw new Refusal('MESH_ERR_DEADLINE', "the caller's time was over before the application was reached")
    const patience = new Patience(inbound, parts)
    try {
      return await next({ ...inbound, signal: () => patience.signal })
    } finally {
      patience.end()
    }
  }
}

/** Whether somebody waits for the answer to one request, as an AbortSignal; nothing of it is made before it is asked for. */
class Patience {
  readonly #inbound: Inbound
  readonly #parts: AwaitedParts
  #controller: AbortController | undefined
  #timer: Timer | undefined
  #ended = false

  constructor(inbound: Inbound, parts: AwaitedParts) {
    this.#inbound = inbound
    this.#parts = parts
  }

  get signal(): AbortSignal {
    return (this.#controller ??= this.#watch()).signal
  }

  /** The answer is whole, or nobody is left: from now on nothing aborts. */
  end(): void {
    this.#ended = true
    this.#timer?.cancel()
    this.#inbound.cancellation.unsubscribe(this.#abort)
  }

  #watch(): AbortController {
    const controller = (this.#controller = new AbortController())
    const { cancellation, deadlineAt } = this.#inbound
    if (cancellation.reason !== undefined) this.#abort(cancellation.reason)
    if (this.#ended || controller.signal.aborted) return controller
    const { clock, wheel } = this.#parts
    cancellation.subscribe(this.#abort)
    this.#timer = wheel.after(deadlineAt - clock.now(), () => this.#abort(timeOver()))
    return controller
  }

  #abort = (reason: Error): void => {
    this.#timer?.cancel()
    this.#controller!.abort(reason)
  }
}

function timeOver(): MeshError {
  return new MeshError('MESH_ERR_DEADLINE', 'The time that the caller of this request gave is over', { processed: 'yes' })
}
