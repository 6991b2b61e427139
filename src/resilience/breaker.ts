import { EventEmitter } from 'node:events'
import CircuitBreaker from 'opossum'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Call } from '../call/call.js'
import type { Events, MeshEvents } from '../call/events.js'
import type { Handler, Layer } from '../call/layer.js'
import { isShed, outcomeOf } from '../call/outcome.js'
import type { BreakerPolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'

export const breakerDefaults: BreakerPolicy = Object.freeze({ failureRatio: 0.5, minCalls: 20, windowMs: 10_000, openMs: 5_000 })

export type BreakerState = MeshEvents['breaker']['state']

/** Refuses calls to a service that has been failing, until a probe shows that it answers again. */
export interface Breaker {
  readonly state: BreakerState
  readonly layer: Layer<Call>
  close(): void
}

export interface BreakerSetup {
  readonly service: string
  readonly policy: BreakerPolicy
  readonly events: Events
  readonly clock: Clock
}

const BUCKETS = 10

/** Makes the breaker of one service. */
export function createBreaker(setup: BreakerSetup): Breaker {
  return new ServiceBreaker(setup)
}

/**
 * Opossum keeps the counts, the timer and the state, and is told of results when they are there. Were it to run the calls
 * itself, it would count the unfinished ones as good, take a caller who hung up for a success, and close on that.
 */
class ServiceBreaker implements Breaker {
  readonly #setup: BreakerSetup
  readonly #rotation = new EventEmitter()
  readonly #circuit: CircuitBreaker<[result: Reply | Error, succeeded: boolean]>
  readonly #bucketMs: number
  #bucket: number
  #openedAtMs = 0
  /** Number of state changes: what began before the last one is no news about the state after it. */
  #era = 0
  #probing = false

  constructor(setup: BreakerSetup) {
    const { service, policy } = setup
    this.#setup = setup
    this.#bucketMs = policy.windowMs / BUCKETS
    this.#bucket = this.#bucketNow()
    this.#circuit = new CircuitBreaker((result, succeeded) => (succeeded ? Promise.resolve(result) : Promise.reject(result)), {
      name: service,
      timeout: false,
      // Opossum opens above its threshold, not at it: at a ratio of 1 it would never open.
      errorThresholdPercentage: policy.failureRatio * 100 - 1e-9,
      volumeThreshold: policy.minCalls,
      resetTimeout: policy.openMs,
      rollingCountTimeout: policy.windowMs,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#rotation,
    })
    this.#circuit.on('open', () => this.#enter('open'))
    this.#circuit.on('halfOpen', () => this.#enter('half-open'))
    this.#circuit.on('close', () => this.#enter('closed'))
  }

  get state(): BreakerState {
    if (this.#circuit.opened) return 'open'
    return this.#circuit.halfOpen ? 'half-open' : 'closed'
  }

  readonly layer = (next: Handler<Call>): Handler<Call> => {
    return (call) => {
      if (this.#circuit.opened || this.#probing) return Promise.reject(this.#refusal())
      this.#probing = this.#circuit.halfOpen
      const era = this.#era
      return next(call).then(
        (reply) => {
          this.#learn(reply, era)
          return reply
        },
        (error: Error) => {
          this.#learn(error, era)
          throw error
        },
      )
    }
  }

  close(): void {
    this.#circuit.shutdown()
  }

  #learn(result: Reply | Error, era: number): void {
    if (era !== this.#era) return
    const { kind } = outcomeOf(result)
    // What a service sheds it refuses to be able to serve the rest, which an open breaker would keep from it: throttling answers that.
    if (kind === 'ignored' || isShed(result)) {
      // The probe has shown nothing: the next call is the probe.
      this.#probing = false
      return
    }
    this.#catchUp()
    this.#circuit.fire(result, kind === 'success').catch(() => {})
  }

  #enter(state: BreakerState): void {
    const { service, clock, events } = this.#setup
    this.#era++
    this.#probing = false
    if (state === 'open') this.#openedAtMs = clock.now()
    // With the failures that opened it still in the window, the next single one would open it again.
    if (state === 'closed') this.#rotate(BUCKETS)
    events.emit('breaker', { service, state })
  }

  /** Moves the window up to now, when there is something to count: a timer for it would never rest. */
  #catchUp(): void {
    const bucket = this.#bucketNow()
    this.#rotate(bucket - this.#bucket)
    this.#bucket = bucket
  }

  #bucketNow(): number {
    return Math.floor(this.#setup.clock.now() / this.#bucketMs)
  }

  #rotate(buckets: number): void {
    for (let left = Math.min(buckets, BUCKETS); left > 0; left--) {
      // Opossum keeps every latency, although its percentiles are off.
      this.#circuit.status.window[0]!.latencyTimes.length = 0
      this.#rotation.emit('rotate')
    }
  }

  #refusal(): MeshError {
    const { service, policy, clock } = this.#setup
    const leftMs = Math.max(0, Math.ceil(this.#openedAtMs + policy.openMs - clock.now()))
    const message = this.#circuit.opened
      ? `${service} has been failing: the breaker is open, and lets one call through in ${leftMs} ms`
      : `${service} has been failing: the breaker is half-open, and one call is finding out whether it answers again`
    return new MeshError('MESH_ERR_BREAKER_OPEN', message, { service })
  }
}
