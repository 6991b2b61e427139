import type { Random } from '../../src/base/random.js'
import type { BalancerLab, LabResult } from '../../src/balancing-lab.js'
import type { VirtualClock } from './virtual-clock.js'

/** What a server does with a request: how long it takes, and how it ends; without a result, with a 200. */
export interface Answer {
  readonly afterMs: number
  readonly result?: LabResult
}

export interface TrafficOptions {
  readonly lab: BalancerLab
  readonly clock: VirtualClock
  readonly random: Random
  readonly ratePerSec: number
  readonly answer: (id: string, nowMs: number) => Answer
  /** Attempts after the first one, each where the call has not been. Default 0. */
  readonly maxResends?: number
}

/** Calls that come at random moments (Poisson) to the endpoints of one lab, and what became of them. */
export class Traffic {
  /** Every attempt: where it went and when. */
  readonly attempts: { readonly id: string; readonly atMs: number }[] = []
  /** How long each call took that succeeded. */
  readonly latencies: number[] = []
  calls = 0
  lost = 0
  readonly #options: TrafficOptions

  constructor(options: TrafficOptions) {
    this.#options = options
  }

  /** Calls for so long, and lets what is under way end. */
  run(forMs: number): this {
    const { clock, random, ratePerSec } = this.#options
    const untilMs = clock.now() + forMs
    const next = (): void => {
      const inMs = (-Math.log(1 - random()) * 1_000) / ratePerSec
      if (clock.now() + inMs >= untilMs) return
      clock.after(inMs, () => {
        this.call()
        next()
      })
    }
    next()
    clock.runUntil(untilMs + 1_000)
    return this
  }

  call(): void {
    this.calls++
    this.#attempt([], this.#options.clock.now())
  }

  /** Share of the attempts from then on that went there. */
  share(id: string, sinceMs = 0): number {
    const since = this.attempts.filter(({ atMs }) => atMs >= sinceMs)
    return since.filter((attempt) => attempt.id === id).length / since.length
  }

  /** Attempts per call. */
  get extra(): number {
    return this.attempts.length / this.calls
  }

  #attempt(tried: readonly string[], startedAtMs: number): void {
    const { lab, clock, answer, maxResends = 0 } = this.#options
    const node = lab.pick(tried)
    if (node === undefined) return void this.lost++
    const attempt = lab.begin(node)
    this.attempts.push({ id: node.id, atMs: clock.now() })
    const { afterMs, result } = answer(node.id, clock.now())
    clock.after(afterMs, () => {
      lab.end(attempt, result)
      const failed = result !== undefined && (result.error !== undefined || (result.status ?? 200) >= 500)
      if (!failed) this.latencies.push(clock.now() - startedAtMs)
      else if (tried.length < maxResends) this.#attempt([...tried, node.id], startedAtMs)
      else this.lost++
    })
  }
}
