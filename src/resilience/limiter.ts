import type { Clock } from '../base/clock.js'
import { isMeshError, MeshError } from '../base/errors.js'
import type { Call } from '../call/call.js'
import type { Handler, Layer } from '../call/layer.js'
import { isRefusal, outcomeOf } from '../call/outcome.js'
import type { LimitsPolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'
import { Gradient } from './gradient.js'
import { WaitQueue } from './wait-queue.js'

/** As Envoy has it: more than a service that is well needs of one client, and few enough to bound what a hanging one can hold. */
export const limitsDefaults: LimitsPolicy = Object.freeze({ maxInFlight: 1_024, maxWaiting: 1_024, maxInFlightPerEndpoint: 0, adaptive: false })

export interface LimiterOptions {
  readonly service: string
  readonly clock: Clock
  /** How many endpoints calls may go to at this moment. */
  readonly endpoints: () => number
}

/**
 * Bounds how many calls to one service are under way, until their bodies have ended, and how many wait for room. A call waits
 * for no longer than its own time; one that finds the queue full is refused at once.
 */
export class Limiter {
  /** Calls under way. */
  inFlight = 0
  readonly #service: string
  readonly #clock: Clock
  readonly #endpoints: () => number
  readonly #queue = new WaitQueue<() => void>()
  readonly #gradient = new Gradient()
  #policy: LimitsPolicy = limitsDefaults

  constructor({ service, clock, endpoints }: LimiterOptions) {
    this.#service = service
    this.#clock = clock
    this.#endpoints = endpoints
  }

  set policy(policy: LimitsPolicy) {
    this.#policy = policy
    this.#gradient.most = policy.maxInFlight === 0 ? Infinity : policy.maxInFlight
  }

  /** Calls that wait for room. */
  get waiting(): number {
    return this.#queue.size
  }

  /** How many calls may be under way now; Infinity for any number. */
  get limit(): number {
    const { maxInFlight, maxInFlightPerEndpoint, adaptive } = this.#policy
    const limit = adaptive ? this.#gradient.limit : maxInFlight === 0 ? Infinity : maxInFlight
    if (maxInFlightPerEndpoint === 0) return limit
    // Waiting here is better than being refused at the door. Where there is no endpoint, the door knows why.
    const places = this.#endpoints() * maxInFlightPerEndpoint
    return places === 0 ? limit : Math.min(limit, places)
  }

  readonly layer: Layer<Call> = (next) => (call) => {
    if (this.inFlight >= this.limit) return this.#wait(next, call)
    this.inFlight++
    return this.#admit(next, call)
  }

  #admit(next: Handler<Call>, call: Call): Promise<Reply> {
    // Made once and not for each call: while nothing is measured, a call costs its promise and two countings.
    return this.#policy.adaptive ? this.#measured(next, call) : next(call).then(this.#answered, this.#failed)
  }

  readonly #answered = (reply: Reply): Reply => {
    void reply.done.then(this.#release)
    return reply
  }

  readonly #failed = (error: Error): never => {
    this.#release()
    throw error
  }

  readonly #release = (): void => {
    this.inFlight--
    while (this.#queue.size > 0 && this.inFlight < this.limit) {
      this.inFlight++
      this.#queue.take(this.#clock.now())!()
    }
  }

  #wait(next: Handler<Call>, call: Call): Promise<Reply> {
    const { cancellation } = call
    if (cancellation.reason !== undefined) return Promise.reject(cancellation.reason)
    if (this.#queue.size >= this.#policy.maxWaiting) return Promise.reject(this.#full())
    const room = new Promise<void>((resolve, reject) => {
      const giveUp = (reason: Error): void => {
        this.#queue.leave(place)
        reject(isMeshError(reason, 'MESH_ERR_DEADLINE') ? this.#inVain(call, reason) : reason)
      }
      const enter = (): void => {
        cancellation.unsubscribe(giveUp)
        resolve()
      }
      const nowMs = this.#clock.now()
      const place = this.#queue.add(enter, nowMs, call.startedAt + call.timeoutMs - nowMs)
      cancellation.subscribe(giveUp)
    })
    // Goes on by its own promise: what makes the room runs in the context of another call.
    return room.then(() => this.#admit(next, call))
  }

  #measured(next: Handler<Call>, call: Call): Promise<Reply> {
    const startedAtMs = this.#clock.now()
    return next(call).then(
      (reply) => {
        this.#observe(reply, reply.attempts, startedAtMs)
        return this.#answered(reply)
      },
      (error: Error) => {
        this.#observe(error, error instanceof MeshError ? error.attempts : 1, startedAtMs)
        return this.#failed(error)
      },
    )
  }

  #observe(result: Reply | Error, attempts: number, startedAtMs: number): void {
    if (isRefusal(result)) return this.#gradient.refuse()
    const { kind } = outcomeOf(result)
    // Of several tries, and of a call that this side gave up, the time says nothing.
    if (attempts > 1 || kind === 'ignored') return
    const nowMs = this.#clock.now()
    if (kind === 'success') this.#gradient.observe(nowMs - startedAtMs, this.inFlight, nowMs)
    else this.#gradient.observeFailure(nowMs - startedAtMs, this.inFlight, nowMs)
  }

  #full(): MeshError {
    const message = `${this.#service}: ${this.inFlight} calls are under way and ${this.#queue.size} wait, as many as limits allows (maxInFlight, maxWaiting)`
    return new MeshError('MESH_ERR_LIMIT', message, { service: this.#service })
  }

  #inVain({ method, timeoutMs }: Call, cause: unknown): MeshError {
    const message = `${this.#service}: ${method} waited for room for all of its ${timeoutMs} ms, while ${this.inFlight} calls were under way (limits.maxInFlight)`
    return new MeshError('MESH_ERR_LIMIT', message, { service: this.#service, cause })
  }
}
