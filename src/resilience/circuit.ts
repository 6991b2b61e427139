import { EventEmitter } from 'node:events'
import CircuitBreaker from 'opossum'
import type { Clock } from '../base/clock.js'
import type { BreakerCircuit, BreakerCircuitEvents } from '../call/breaker-circuit.js'
import type { Call } from '../call/call.js'
import type { Events } from '../call/events.js'
import type { BreakerPolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'

export interface CircuitSetup {
  readonly service: string
  readonly policy: BreakerPolicy
  readonly events: Events
  readonly clock: Clock
}

const BUCKETS = 10

/**
 * Opossum's circuit, told of results in the words that its own `fire()` says to itself: it keeps the counts, the timer and
 * the state. `fire()` would run the calls itself, count the unfinished ones as good, take a caller who hung up for a success
 * and close on that; and its promise and semaphore cost more than everything else here.
 */
export class Circuit extends CircuitBreaker implements BreakerCircuit {
  readonly #events: Events
  readonly #clock: Clock
  readonly #rotation: EventEmitter
  #policy: BreakerPolicy
  #bucketMs: number
  #bucket: number
  /** The bucket that is counted into. */
  #current: CircuitBreaker['stats']

  constructor({ service, policy, events, clock }: CircuitSetup) {
    const rotation = new EventEmitter()
    super(() => Promise.reject(new Error('This circuit is told of results: call the service through the mesh')), {
      name: service,
      timeout: false,
      errorThresholdPercentage: policy.failureRatio * 100,
      volumeThreshold: policy.minCalls,
      resetTimeout: policy.openMs,
      rollingCountTimeout: policy.windowMs,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: rotation,
    })
    this.#events = events
    this.#clock = clock
    this.#rotation = rotation
    this.#policy = policy
    this.#bucketMs = policy.windowMs / BUCKETS
    this.#bucket = this.#bucketAt(clock.now())
    this.#current = super.status.window[0]!
  }

  /** Goes by another policy from now on, with what it has counted so far. */
  follow(policy: BreakerPolicy): void {
    const nowMs = this.#catchUp()
    this.#policy = policy
    this.#bucketMs = policy.windowMs / BUCKETS
    this.#bucket = this.#bucketAt(nowMs)
    this.options.errorThresholdPercentage = policy.failureRatio * 100
    this.options.volumeThreshold = policy.minCalls
    this.options.resetTimeout = policy.openMs
  }

  succeeded(call: Call, reply: Reply): void {
    const nowMs = this.#catchUp()
    this.emit('fire', [call])
    this.emit('success', reply, nowMs - call.startedAt)
    // Opossum keeps every latency, although its percentiles are off.
    this.#current.latencyTimes.pop()
  }

  failed(call: Call, result: Reply | Error): void {
    const nowMs = this.#catchUp()
    const calls = [call]
    this.emit('fire', calls)
    this.emit('failure', result, nowMs - call.startedAt, calls)
    this.#current.latencyTimes.pop()
    if (this.halfOpen || this.#hasFailedTooOften()) this.open()
  }

  rejected(call: Call, error: Error): void {
    this.#catchUp()
    this.emit('fire', [call])
    this.emit('reject', error)
  }

  fellBack(reply: Reply, error: Error): void {
    this.#catchUp()
    this.emit('fallback', reply, error)
  }

  /** Forgets what it has counted. */
  forget(): void {
    this.#rotate(BUCKETS)
  }

  // Read after an hour of silence it would tell of the hour before.
  override get status(): CircuitBreaker['status'] {
    this.#catchUp()
    return super.status
  }

  override get stats(): CircuitBreaker['stats'] {
    return this.status.stats
  }

  /** A listener that throws harms no call. Opossum's own listeners come first, so that they have all been told. */
  override emit<K extends keyof BreakerCircuitEvents>(event: K, ...args: BreakerCircuitEvents[K]): boolean {
    try {
      return super.emit(event, ...args)
    } catch (error) {
      this.#events.emit('listenerError', { event: `breaker ${event}`, error })
      return true
    }
  }

  #hasFailedTooOften(): boolean {
    let fires = 0
    let failures = 0
    for (const bucket of super.status.window) {
      fires += bucket.fires
      failures += bucket.failures
    }
    return fires >= this.#policy.minCalls && failures >= fires * this.#policy.failureRatio
  }

  /** Moves the window up to now, when somebody counts or looks: a timer for it would never rest. */
  #catchUp(): number {
    const nowMs = this.#clock.now()
    const bucket = this.#bucketAt(nowMs)
    if (bucket !== this.#bucket) {
      this.#rotate(bucket - this.#bucket)
      this.#bucket = bucket
    }
    return nowMs
  }

  #bucketAt(nowMs: number): number {
    return Math.floor(nowMs / this.#bucketMs)
  }

  #rotate(buckets: number): void {
    for (let left = Math.min(buckets, BUCKETS); left > 0; left--) this.#rotation.emit('rotate')
    this.#current = super.status.window[0]!
  }
}
