import type { RetryPolicy } from '../call/policy.js'

/** Seconds of the window, and the buckets that it is kept in. */
const BUCKETS = 10
const BUCKET_MS = 1_000

/**
 * What a service may be sent on top of its calls, by all of this client's retries and hedges together: `budgetRatio` of the calls
 * of the last ten seconds, or `minPerSec` a second where that is more. So an outage is never answered with a storm, and a client
 * with few calls can still try again. The floor is no addition: what is promised holds at every rate above it.
 */
export class RetryBudget {
  /** What it goes by; may be changed at any time. */
  limits: Pick<RetryPolicy, 'budgetRatio' | 'minPerSec'>
  readonly #calls = new Uint32Array(BUCKETS)
  readonly #extras = new Float64Array(BUCKETS)
  #callsSum = 0
  #extrasSum = 0
  #bucket = -Infinity

  constructor(limits: Pick<RetryPolicy, 'budgetRatio' | 'minPerSec'>) {
    this.limits = limits
  }

  /** A call begins. `nowMs` is monotonic and counts from anywhere. */
  deposit(nowMs: number): void {
    const slot = this.#slotAt(nowMs)
    this.#calls[slot]!++
    this.#callsSum++
  }

  /** Whether one more attempt may be made now; if so, it counts as made. */
  withdraw(nowMs: number): boolean {
    const slot = this.#slotAt(nowMs)
    // Shares that were added up and taken away make the whole only nearly.
    if (this.#extrasSum + 1 > this.#allowed + 1e-6) return false
    this.#extras[slot]!++
    this.#extrasSum++
    return true
  }

  /** How many more attempts may be made now. */
  left(nowMs: number): number {
    this.#slotAt(nowMs)
    return Math.max(0, Math.floor(this.#allowed - this.#extrasSum + 1e-6))
  }

  get #allowed(): number {
    const { budgetRatio, minPerSec } = this.limits
    return Math.max(budgetRatio * this.#callsSum, minPerSec * BUCKETS)
  }

  /** Moves the window up to now; a timer for it would never rest. */
  #slotAt(nowMs: number): number {
    const bucket = Math.max(this.#bucket, Math.floor(nowMs / BUCKET_MS))
    const passed = bucket - this.#bucket
    this.#bucket = bucket
    if (passed > 0) this.#forget(bucket, passed)
    return slotOf(bucket)
  }

  /**
   * Forgets the oldest buckets. What was sent in a second beyond the share of that second's own calls is left for those after it
   * to pay: were it forgotten too, an outage would be answered with a burst every ten seconds.
   */
  #forget(bucket: number, passed: number): void {
    const { budgetRatio, minPerSec } = this.limits
    let unpaid = 0
    for (let i = Math.min(passed, BUCKETS) - 1; i >= 0; i--) {
      const slot = slotOf(bucket - i)
      const calls = this.#calls[slot]!
      const extras = this.#extras[slot]! + unpaid
      unpaid = Math.max(0, extras - Math.max(budgetRatio * calls, minPerSec))
      this.#callsSum -= calls
      this.#extrasSum -= this.#extras[slot]!
      this.#calls[slot] = this.#extras[slot] = 0
    }
    // Nobody has called for longer than a window: nothing is left to pay.
    if (passed > BUCKETS) return
    this.#extras[slotOf(bucket + 1)]! += unpaid
    this.#extrasSum += unpaid
  }
}

function slotOf(bucket: number): number {
  // Never negative, wherever the clock counts from.
  return ((bucket % BUCKETS) + BUCKETS) % BUCKETS
}
