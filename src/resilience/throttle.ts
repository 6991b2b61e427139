import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { isRefusal, outcomeOf } from '../call/outcome.js'
import type { ThrottlePolicy } from '../call/policy.js'
import { PRIORITIES, type Priority } from '../call/priority.js'
import type { Reply } from '../call/reply.js'
import { WindowCounts } from './window-counts.js'

/**
 * Twice what is accepted, as Google has it: stricter, it would hold back calls that one refusing endpoint of five could not
 * serve but another could. A window of 5 s and not of two minutes: what grows from the few calls that get through needs several
 * windows until all do, and a service that is well again is called in full after some ten seconds (test/simulation/throttle.test.ts).
 */
export const throttleDefaults: ThrottlePolicy = Object.freeze({ requestsPerAccept: 2, windowMs: 5_000 })

/** Of fewer calls within the window nothing is held back: a few refusals are no overload, and a few calls make none. */
const LEAST_CALLS = 20

export interface ThrottleOptions {
  readonly service: string
  readonly policy: ThrottlePolicy
  readonly clock: Clock
  readonly random: Random
}

/**
 * Holds calls back from a service that refuses most of them: refusing costs it work too, and what is spent on that is
 * missing for what it could serve. Each is held back with the chance of `(all − K · accepted) / (all + 1)`
 * (adaptive throttling, {@link https://sre.google/sre-book/handling-overload/ | Google, Site Reliability Engineering, chapter 21}),
 * counted for each priority apart, since a service that sheds the low ones may serve all others.
 */
export class Throttle {
  readonly layer: Layer<Call>
  readonly #classes: Readonly<Record<Priority, PriorityThrottle>>

  constructor(options: ThrottleOptions) {
    this.#classes = Object.freeze({
      critical: new PriorityThrottle('critical', options),
      normal: new PriorityThrottle('normal', options),
      low: new PriorityThrottle('low', options),
    })
    this.layer = (next) => (call) => {
      const own = this.#classes[call.priority]
      return own.holdsBack() ? Promise.reject(own.refusal()) : next(call).then(own.answered)
    }
  }

  /** The chance, 0–1, with which a call is held back now: of the priority for which it is greatest. */
  get ratio(): number {
    return Math.max(...PRIORITIES.map((priority) => this.#classes[priority].ratio))
  }
}

class PriorityThrottle {
  readonly #priority: Priority
  readonly #options: ThrottleOptions
  readonly #counts: WindowCounts
  #probedAtMs = -Infinity

  constructor(priority: Priority, options: ThrottleOptions) {
    this.#priority = priority
    this.#options = options
    this.#counts = new WindowCounts(options.policy.windowMs)
  }

  get ratio(): number {
    this.#counts.turn(this.#options.clock.now())
    return this.#ratio()
  }

  holdsBack(): boolean {
    const { clock, random, policy } = this.#options
    // While all is well it is not even asked what time it is.
    if (this.#ratio() === 0) return false
    const nowMs = clock.now()
    this.#counts.turn(nowMs)
    const ratio = this.#ratio()
    if (ratio === 0) return false
    // One goes through every tenth of a window, whatever the odds: else nobody would find out that the service is well again.
    if (nowMs - this.#probedAtMs >= policy.windowMs / 10) {
      this.#probedAtMs = nowMs
      return false
    }
    if (random() >= ratio) return false
    this.#counts.add(false, nowMs)
    return true
  }

  /**
   * Counts a call with its answer, and not when it is sent: a slow service would seem to accept nothing. One that failed, or was
   * given up, says nothing about being accepted.
   */
  readonly answered = (reply: Reply): Reply => {
    const refused = isRefusal(reply)
    if (refused || outcomeOf(reply).processed === 'yes') this.#counts.add(!refused, this.#options.clock.now())
    return reply
  }

  refusal(): MeshError {
    const { service, policy } = this.#options
    const { all, good } = this.#counts
    const held = `${Math.round(this.#ratio() * 100)} % of them are held back for now (throttle.requestsPerAccept of ${policy.requestsPerAccept})`
    const message = `${service}: accepted ${good} of the last ${all} calls of ${this.#priority} priority, so that ${held}`
    return new MeshError('MESH_ERR_THROTTLED', message, { service })
  }

  #ratio(): number {
    const { requestsPerAccept } = this.#options.policy
    const { all, good } = this.#counts
    return requestsPerAccept === 0 || all < LEAST_CALLS ? 0 : Math.max(0, (all - requestsPerAccept * good) / (all + 1))
  }
}
