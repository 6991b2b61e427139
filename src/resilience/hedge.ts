import type { Clock, Timer } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import { isReplayable } from '../call/body.js'
import type { Call } from '../call/call.js'
import { Cancellation } from '../call/cancellation.js'
import { RESEND_HEADER } from '../call/chain.js'
import type { Events } from '../call/events.js'
import { withHeader } from '../call/headers.js'
import type { Handler, Layer } from '../call/layer.js'
import { graver, outcomeOf } from '../call/outcome.js'
import type { HedgePolicy } from '../call/policy.js'
import { Reply } from '../call/reply.js'
import { HedgePace } from './hedge-pace.js'
import { isIdempotent } from './resend-rule.js'
import { HedgeCap } from './hedge-cap.js'
import type { RetryBudget } from './retry-budget.js'

/** Off: it costs requests, and is worth them only where a few answers take many times as long as the others. */
export const hedgeDefaults: HedgePolicy = Object.freeze({ percentile: 0, maxExtraRatio: 0.05 })

export interface HedgeOptions {
  readonly policy: HedgePolicy
  /** Every call of the service can be done twice, whatever its method. */
  readonly idempotent: boolean
  /** Shared with the retries. */
  readonly budget: RetryBudget
  /** Whether the service has an endpoint that is not among those tried. */
  readonly othersThan: (tried: readonly string[]) => boolean
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly events: Events
}

/**
 * Sends a call a second time, to another endpoint, when its answer takes longer than most do; the first good answer counts and the
 * other attempt is given up. Nothing is sent beside a call that cannot be done twice or is itself one more try.
 */
export function hedge(options: HedgeOptions): Layer<Call> {
  const { policy, clock } = options
  const pace = new HedgePace(policy.percentile)
  const cap = new HedgeCap(policy.maxExtraRatio)
  const parts = { ...options, pace, cap }
  return (next) => (call) => {
    const nowMs = clock.now()
    cap.deposit()
    return mayGoTwice(call, options) ? new Pair(parts, next, call, nowMs).run(pace.delayMs(nowMs)) : next(call)
  }
}

function mayGoTwice(call: Call, { idempotent }: HedgeOptions): boolean {
  if (call.once || call.resends > 0 || call.chain?.isResend === true) return false
  return isReplayable(call.body) && isIdempotent(call, idempotent)
}

interface PairOptions extends HedgeOptions {
  readonly pace: HedgePace
  /** What hedges alone may add. */
  readonly cap: HedgeCap
}

/** One attempt and the other: with a cancellation for each, so that one can be given up without the other. */
interface Branch {
  readonly cancellation: Cancellation
  result: Reply | Error | undefined
}

/** A call, and perhaps the same call once more beside it. */
class Pair {
  readonly #options: PairOptions
  readonly #next: Handler<Call>
  readonly #call: Call
  readonly #startedAtMs: number
  readonly #first: Branch = { cancellation: new Cancellation(), result: undefined }
  #second: Branch | undefined
  #hedgedAtMs = 0
  #timer: Timer | undefined
  #fulfil!: (reply: Reply) => void
  #reject!: (error: Error) => void
  #isOver = false

  constructor(options: PairOptions, next: Handler<Call>, call: Call, startedAtMs: number) {
    this.#options = options
    this.#next = next
    this.#call = call
    this.#startedAtMs = startedAtMs
  }

  run(delayMs: number): Promise<Reply> {
    return new Promise((fulfil, reject) => {
      this.#fulfil = fulfil
      this.#reject = reject
      const call = this.#call
      // Both end with the call, so that nothing is to be taken back.
      call.cancellation.subscribe((reason) => {
        this.#timer?.cancel()
        this.#first.cancellation.cancel(reason)
        this.#second?.cancellation.cancel(reason)
      })
      // The wheel may be 10 ms late: that makes hedges fewer, and is little beside the answers that they are for.
      if (delayMs !== Infinity) this.#timer = this.#options.wheel.after(delayMs, () => this.#hedge())
      this.#send(this.#first, { ...call, cancellation: this.#first.cancellation })
    })
  }

  #send(branch: Branch, call: Call): void {
    this.#next(call).then(
      (reply) => this.#settled(branch, reply),
      (error: Error) => this.#settled(branch, error),
    )
  }

  #hedge(): void {
    const { clock, cap, budget, othersThan } = this.#options
    const call = this.#call
    // Still waiting for an endpoint or a token, or there is no other one: a second attempt would wait with the first.
    if (call.tried.length === 0 || !othersThan(call.tried)) return
    const nowMs = clock.now()
    if (!cap.withdraw() || !budget.withdraw(nowMs)) return
    this.#hedgedAtMs = nowMs
    this.#second = { cancellation: new Cancellation(), result: undefined }
    const headers = withHeader(call.headers, RESEND_HEADER, '1')
    this.#send(this.#second, { ...call, headers, cancellation: this.#second.cancellation, resends: call.resends + 1, hedge: true })
  }

  #settled(branch: Branch, result: Reply | Error): void {
    this.#timer?.cancel()
    if (this.#isOver) {
      // Given up too late: it was answered all the same.
      if (result instanceof Reply) result.cancel()
      return
    }
    branch.result = result
    const isGood = result instanceof Reply && outcomeOf(result).kind === 'success'
    const second = this.#second
    if (branch === this.#first && isGood) this.#learn()
    if (second === undefined) return this.#give(result)
    const other = branch === second ? this.#first : second
    // A failure is not worth more for being the first: the other may still do better.
    if (!isGood && other.result === undefined) return
    const loser = isGood || worse(branch, other) === branch ? other : branch
    // How long the first would have taken is not known, but it is longer than most.
    if (loser === this.#first && loser.result === undefined) this.#learn()
    this.#giveUp(loser)
    this.#tell(isGood && branch === second)
    this.#give(counted(loser === branch ? other.result! : result, this.#call.resends + 2))
  }

  #learn(): void {
    this.#options.pace.observe(this.#options.clock.now() - this.#startedAtMs)
  }

  #giveUp({ cancellation, result }: Branch): void {
    if (result instanceof Reply) result.cancel()
    const { service } = this.#call
    cancellation.cancel(new MeshError('MESH_ERR_ABORTED', `${service}: the other attempt was answered first`, { service, processed: 'maybe' }))
  }

  #give(result: Reply | Error): void {
    this.#isOver = true
    if (result instanceof Error) this.#reject(result)
    else this.#fulfil(result)
  }

  #tell(won: boolean): void {
    const { events } = this.#options
    if (!events.heard('hedged')) return
    events.emit('hedged', { service: this.#call.service, afterMs: this.#hedgedAtMs - this.#startedAtMs, won })
  }
}

/** Of two failures, the one after which the service is more likely to have acted. */
function worse(one: Branch, other: Branch): Branch {
  const { processed } = outcomeOf(one.result!)
  return graver(processed, outcomeOf(other.result!).processed) === processed ? one : other
}

/** The result with the number of attempts that both made together. */
function counted(result: Reply | Error, attempts: number): Reply | Error {
  if (result instanceof Reply) {
    const { status, headers, endpoint, flow } = result
    return new Reply({ status, headers, endpoint, flow, attempts })
  }
  if (!(result instanceof MeshError)) return result
  const { code, message, service, endpoint, processed, cause } = result
  return new MeshError(code, message, { service, endpoint, attempts, processed, cause })
}
