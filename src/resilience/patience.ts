import type { Clock, Timer } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import type { Inbound } from '../call/inbound.js'

export interface PatienceParts {
  readonly clock: Clock
  readonly wheel: TimerWheel
}

/**
 * Tells the application, as an AbortSignal, when nobody waits for its answer any more: the caller has hung up, or its time is
 * over. Nothing of it is made before it is asked for, and nothing of it is left when the answer was given.
 */
export class Patience {
  readonly #inbound: Pick<Inbound, 'cancellation' | 'deadlineAt'>
  readonly #parts: PatienceParts
  #answering: Promise<unknown> | undefined
  #controller: AbortController | undefined
  #timer: Timer | undefined

  constructor(inbound: Pick<Inbound, 'cancellation' | 'deadlineAt'>, parts: PatienceParts) {
    this.#inbound = inbound
    this.#parts = parts
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) this.#begin()
    return this.#controller!.signal
  }

  /** It ends when this settles. */
  endWith(answering: Promise<unknown>): void {
    this.#answering = answering
    if (this.#controller !== undefined) answering.then(this.#end, this.#end)
  }

  #begin(): void {
    const { cancellation, deadlineAt } = this.#inbound
    const { clock, wheel } = this.#parts
    this.#controller = new AbortController()
    if (cancellation.reason !== undefined) return this.#controller.abort(cancellation.reason)
    this.#timer = wheel.after(deadlineAt - clock.now(), () => this.#controller!.abort(timeOver()))
    cancellation.subscribe(this.#abort)
    this.#answering?.then(this.#end, this.#end)
  }

  readonly #abort = (reason: Error): void => this.#controller!.abort(reason)

  readonly #end = (): void => {
    this.#timer?.cancel()
    this.#inbound.cancellation.unsubscribe(this.#abort)
  }
}

function timeOver(): MeshError {
  return new MeshError('MESH_ERR_DEADLINE', 'The time that the caller of this request gave is over', { processed: 'yes' })
}
