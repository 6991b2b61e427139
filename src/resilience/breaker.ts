import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { BreakerCircuit } from '../call/breaker-circuit.js'
import type { Call } from '../call/call.js'
import type { Events, MeshEvents } from '../call/events.js'
import type { Handler, Layer } from '../call/layer.js'
import { isShed, outcomeOf } from '../call/outcome.js'
import type { BreakerPolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'
import { Circuit } from './circuit.js'

export const breakerDefaults: BreakerPolicy = Object.freeze({ failureRatio: 0.5, minCalls: 20, windowMs: 10_000, openMs: 5_000 })

export type BreakerState = MeshEvents['breaker']['state']

/** Refuses calls to a service that has been failing, until a probe shows that it answers again. */
export interface Breaker {
  readonly state: BreakerState
  /** Opossum's own object, the same for as long as the service is followed. */
  readonly circuit: BreakerCircuit
  readonly layer: Layer<Call>
  /** Hears that a call was answered by the application's fallback. */
  fellBack(reply: Reply, error: Error): void
  /** Goes by another policy from now on, and keeps what it knows of the last calls. */
  follow(policy: BreakerPolicy): void
  close(): void
}

export interface BreakerSetup {
  readonly service: string
  readonly policy: BreakerPolicy
  readonly events: Events
  readonly clock: Clock
}

/** Makes the breaker of one service. */
export function createBreaker(setup: BreakerSetup): Breaker {
  return new ServiceBreaker(setup)
}

class ServiceBreaker implements Breaker {
  readonly circuit: Circuit
  readonly #setup: BreakerSetup
  #openedAtMs = 0
  /** An open breaker's timer runs for as long as it was told then, whatever the policy says by now. */
  #openMs = 0
  /** Number of state changes: what began before the last one is no news about the state after it. */
  #era = 0
  #probing = false

  constructor(setup: BreakerSetup) {
    this.#setup = setup
    this.circuit = new Circuit(setup)
    this.circuit.on('open', () => this.#enter('open'))
    this.circuit.on('halfOpen', () => this.#enter('half-open'))
    this.circuit.on('close', () => this.#enter('closed'))
  }

  get state(): BreakerState {
    if (this.circuit.opened) return 'open'
    return this.circuit.halfOpen ? 'half-open' : 'closed'
  }

  readonly layer = (next: Handler<Call>): Handler<Call> => {
    return (call) => {
      const { circuit } = this
      // Switched off by hand: it neither refuses nor counts.
      if (!circuit.enabled) return next(call)
      if (circuit.opened || this.#probing) {
        const refusal = this.#refusal()
        circuit.rejected(call, refusal)
        return Promise.reject(refusal)
      }
      this.#probing = circuit.halfOpen
      const era = this.#era
      return next(call).then(
        (reply) => {
          this.#learn(call, reply, era)
          return reply
        },
        (error: Error) => {
          this.#learn(call, error, era)
          throw error
        },
      )
    }
  }

  fellBack(reply: Reply, error: Error): void {
    this.circuit.fellBack(reply, error)
  }

  follow(policy: BreakerPolicy): void {
    this.circuit.follow(policy)
  }

  close(): void {
    this.circuit.shutdown()
  }

  #learn(call: Call, result: Reply | Error, era: number): void {
    if (era !== this.#era) return
    const { kind } = outcomeOf(result)
    // A probe that has shown nothing leaves its place to the next call. What a service sheds it refuses to be able to serve the rest,
    // which an open breaker would keep from it: throttling answers that.
    if (kind === 'ignored' || isShed(result)) this.#probing = false
    else if (kind === 'success') this.circuit.succeeded(call, result as Reply)
    else this.circuit.failed(call, result)
  }

  #enter(state: BreakerState): void {
    const { service, clock, events } = this.#setup
    this.#era++
    this.#probing = false
    if (state === 'open') {
      this.#openedAtMs = clock.now()
      this.#openMs = this.circuit.options.resetTimeout
    }
    // With the failures that opened it still in the window, the next single one would open it again.
    if (state === 'closed') this.circuit.forget()
    events.emit('breaker', { service, state })
  }

  #refusal(): MeshError {
    const { service, clock } = this.#setup
    const leftMs = Math.max(0, Math.ceil(this.#openedAtMs + this.#openMs - clock.now()))
    const message = this.circuit.opened
      ? `${service} has been failing: the breaker is open, and lets one call through in ${leftMs} ms`
      : `${service} has been failing: the breaker is half-open, and one call is finding out whether it answers again`
    return new MeshError('MESH_ERR_BREAKER_OPEN', message, { service })
  }
}
