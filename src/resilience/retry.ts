import { backoffMs } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { MeshError, type Processed } from '../base/errors.js'
import type { Random } from '../base/random.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import { isReplayable, isStream } from '../call/body.js'
import type { Call } from '../call/call.js'
import { RESEND_HEADER } from '../call/chain.js'
import type { Cancellation } from '../call/cancellation.js'
import type { Events } from '../call/events.js'
import { withHeader } from '../call/headers.js'
import type { Handler, Layer } from '../call/layer.js'
import { graver, outcomeOf } from '../call/outcome.js'
import type { RetryPolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'
import { retryAfterMs } from '../call/retry-after.js'
import { StreamTee } from '../call/stream-tee.js'
import { isIdempotent, resendRuleOf, wasRetriedBehind, type ResendRule } from './resend-rule.js'
import type { RetryBudget } from './retry-budget.js'

export const retryDefaults: RetryPolicy = Object.freeze({
  maxResends: 2,
  idempotent: false,
  // Long enough for a moment's trouble to pass, and nothing beside the time of a call.
  backoffMs: 25,
  maxBackoffMs: 250,
  budgetRatio: 0.2,
  minPerSec: 3,
})

/** Whoever was told when to come back comes up to this share later, so that they do not all come in the same moment. */
const RETRY_AFTER_JITTER_RATIO = 0.2

export interface RetryOptions {
  readonly policy: RetryPolicy
  readonly budget: RetryBudget
  /** Whether the service has an endpoint that is not among those tried. */
  readonly othersThan: (tried: readonly string[]) => boolean
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly random: Random
  readonly events: Events
}

/** Sends a failed call again where that can do no harm, and as long as the service's budget lasts. */
export function retry(options: RetryOptions): Layer<Call> {
  return (next) => (call) => {
    options.budget.deposit(call.startedAt)
    return new Tries(options, next).run(call)
  }
}

/** The attempts of one call, one after the other. */
class Tries {
  readonly #options: RetryOptions
  readonly #next: Handler<Call>
  /** What the service may have done in the attempts before: a later one that never arrived does not undo it. */
  #processed: Processed = 'no'
  #tee: StreamTee | undefined

  constructor(options: RetryOptions, next: Handler<Call>) {
    this.#options = options
    this.#next = next
  }

  async run(first: Call): Promise<Reply> {
    let call = this.#prepared(first)
    try {
      for (;;) {
        let result: Reply | MeshError
        try {
          result = await this.#next(call)
        } catch (error) {
          if (!(error instanceof MeshError)) throw error
          result = error
        }
        const pauseMs = this.#pauseBefore(call, result)
        if (pauseMs === undefined) return this.#given(call, result)
        const failure = result instanceof Error ? result : answerError(result, call)
        this.#processed = graver(this.#processed, failure.processed)
        if (!(result instanceof Error)) result.cancel(failure)
        // Before the pause, in which a stream may go on and become too long to be kept.
        const again = this.#resent(call, failure.attempts)
        if (pauseMs > 0) await this.#pause(pauseMs, call)
        call = again
        const { events } = this.#options
        if (events.heard('retried')) events.emit('retried', { service: call.service, resends: call.resends, error: failure })
      }
    } catch (error) {
      this.#tee?.release(true)
      throw error
    }
  }

  /** The call as its first attempt. A stream that may have to be sent again is kept on its way, up to a limit. */
  #prepared(call: Call): Call {
    if (isStream(call.body) && this.#options.policy.maxResends > 0 && !call.once) {
      this.#tee = new StreamTee(call.body)
      call = { ...call, body: this.#tee.reading() }
    }
    return call.chain?.isResend === true ? { ...call, headers: withHeader(call.headers, RESEND_HEADER, '1') } : call
  }

  #resent(call: Call, attempts: number): Call {
    const headers = withHeader(call.headers, RESEND_HEADER, '1')
    const body = this.#tee === undefined ? call.body : this.#tee.reading()
    return { ...call, headers, body, resends: Math.max(call.resends + 1, attempts) }
  }

  /** How long to wait before the next attempt; undefined when there is to be none. */
  #pauseBefore(call: Call, result: Reply | MeshError): number | undefined {
    const rule = resendRuleOf(result)
    if (rule === undefined || !this.#isAllowed(call, result, rule)) return undefined
    const { clock, budget, events } = this.#options
    const pauseMs = this.#pauseMs(call, result, rule)
    const nowMs = clock.now()
    // No attempt could follow a pause for which there is no time: the caller has its answer sooner without.
    if (pauseMs >= call.startedAt + call.timeoutMs - nowMs) return undefined
    if (budget.withdraw(nowMs)) return pauseMs
    call.chain?.spend()
    if (events.heard('retryDenied')) {
      const error = result instanceof Error ? result : answerError(result, call)
      events.emit('retryDenied', { service: call.service, error })
    }
    return undefined
  }

  #isAllowed(call: Call, result: Reply | MeshError, rule: ResendRule): boolean {
    const { policy } = this.#options
    if (call.once || call.cancellation.reason !== undefined) return false
    if (Math.max(call.resends + 1, result.attempts) > policy.maxResends) return false
    // Whoever sent that again does so on behalf of everybody below; but what arrives nowhere is no load for anybody.
    if (call.chain?.isResend === true && !rule.neverLeft) return false
    if (rule.mayHaveActed && !isIdempotent(call, policy.idempotent)) return false
    return this.#tee === undefined ? isReplayable(call.body) : this.#tee.isWhole
  }

  #pauseMs(call: Call, result: Reply | MeshError, rule: ResendRule): number {
    const { policy, random, clock, othersThan } = this.#options
    // An instance that asks for a pause asks it for itself, if it says that it refused; the others are to be had at once.
    if (!rule.concernsAll && othersThan(call.tried)) return 0
    const ownMs = backoffMs({ baseMs: policy.backoffMs, maxMs: policy.maxBackoffMs }, call.resends, random)
    const askedMs = result instanceof Error ? 0 : (retryAfterMs(result.headers, clock) ?? 0)
    // Later than asked for, and never sooner.
    return Math.max(ownMs, askedMs * (1 + RETRY_AFTER_JITTER_RATIO * random()))
  }

  async #pause(ms: number, call: Call): Promise<void> {
    try {
      await pause(ms, this.#options.wheel, call.cancellation)
    } catch (reason) {
      throw this.#accounted(reason as MeshError, call)
    }
  }

  /** Gives the last result to the caller. */
  #given(call: Call, result: Reply | MeshError): Reply {
    if ((call.resends > 0 && outcomeOf(result).kind === 'failure') || wasRetriedBehind(result)) call.chain?.spend()
    if (result instanceof Error) throw this.#accounted(result, call)
    // An answer may come while its request is still being sent.
    this.#tee?.release(false)
    return result
  }

  /**
   * The error with the number of attempts, which a cancellation does not know that was made above this stage, and with what any
   * of the attempts may have done.
   */
  #accounted(error: MeshError, { cancellation, resends }: Call): MeshError {
    const attempts = error === cancellation.reason ? resends + 1 : Math.max(error.attempts, resends)
    const processed = graver(this.#processed, error.processed)
    if (attempts === error.attempts && processed === error.processed) return error
    const { code, message, service, endpoint, cause } = error
    return new MeshError(code, message, { service, endpoint, attempts, processed, cause })
  }
}

function answerError(reply: Reply, { service }: Call): MeshError {
  const { endpoint, status, attempts } = reply
  const { processed } = outcomeOf(reply)
  const how = processed === 'no' ? `refused with ${status} before any work` : `answered ${status}`
  return new MeshError('MESH_ERR_RESPONSE', `${service}: ${endpoint.id} ${how}`, { service, endpoint: endpoint.id, attempts, processed })
}

function pause(ms: number, wheel: TimerWheel, cancellation: Cancellation): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancelled = (reason: Error): void => {
      timer.cancel()
      reject(reason)
    }
    const timer = wheel.after(ms, () => {
      cancellation.unsubscribe(cancelled)
      resolve()
    })
    cancellation.subscribe(cancelled)
  })
}
