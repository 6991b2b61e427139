import type { Clock } from '../base/clock.js'
import type { EventLoop, LoopDelay } from '../base/event-loop.js'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { PRIORITIES, type Priority } from '../call/priority.js'
import { Refusal } from '../call/refusal.js'
import { Admission } from './admission.js'
import { GONE } from './awaited.js'
import type { ShedSettings } from './shed-options.js'
import { WaitQueue } from './wait-queue.js'

/** Requests that were shed since the start. */
export type ShedCounts = Record<Priority, number>

/** What part of each limit is for whom. */
const SHARES: Readonly<Record<Priority, { readonly inFlight: number; readonly loopDelay: number }>> = Object.freeze({
  critical: { inFlight: 1.25, loopDelay: 4 },
  normal: { inFlight: 1, loopDelay: 1 },
  low: { inFlight: 0.5, loopDelay: 0.5 },
})

export interface ShedParts {
  readonly settings: ShedSettings
  readonly clock: Clock
  readonly eventLoop: EventLoop
  readonly loopDelay: LoopDelay
  readonly counts: ShedCounts
}

/**
 * Refuses what this process cannot serve in time, the least important first, and before any work: what is refused in
 * microseconds may be served elsewhere, and what is accepted is served in time.
 */
export class Shedder {
  readonly #parts: ShedParts
  readonly #queues: Readonly<Record<Priority, WaitQueue<{ enter(): void; refuse(reason: string): void }>>> = {
    critical: new WaitQueue(),
    normal: new WaitQueue(),
    low: new WaitQueue(),
  }
  readonly #admission = new Admission()
  #inFlight = 0

  constructor(parts: ShedParts) {
    this.#parts = parts
  }

  readonly layer: Layer<Inbound, InboundReply> = (next) => async (inbound) => {
    const { priority } = inbound
    const reason = this.#reasonAgainst(priority)
    if (reason !== undefined) throw this.#refusal(priority, reason)
    if (this.#hasRoom(priority)) this.#inFlight++
    else if (!(await this.#room(inbound))) return GONE
    try {
      return await next(inbound)
    } finally {
      this.#release()
    }
  }

  #reasonAgainst(priority: Priority): string | undefined {
    const { settings, clock, eventLoop, loopDelay } = this.#parts
    const { maxLoopDelayMs, maxUtilization } = settings
    if (maxLoopDelayMs > 0) {
      const delayMs = loopDelay.standingMs()
      if (delayMs > maxLoopDelayMs * SHARES[priority].loopDelay) return `the event loop is ${Math.round(delayMs)} ms late`
    }
    if (maxUtilization < 1) {
      this.#admission.observe(() => eventLoop.utilization() > maxUtilization, clock.now())
      if (!this.#admission.admits(priority)) {
        return `the event loop is too busy, and ${Math.round(this.#admission.share(priority) * 100)} % of these are let in`
      }
    }
    return undefined
  }

  #hasRoom(priority: Priority): boolean {
    const { maxInFlight } = this.#parts.settings
    return maxInFlight === 0 || this.#inFlight < Math.ceil(maxInFlight * SHARES[priority].inFlight)
  }

  /**
   * Fulfils with true when there is room, which is then taken, and with false when the caller has hung up; rejects when it is not
   * worth waiting for any longer.
   */
  async #room({ priority, deadlineAt, cancellation }: Inbound): Promise<boolean> {
    const { settings, clock } = this.#parts
    if (this.#waiting >= settings.maxWaiting && !this.#makePlace(priority)) {
      throw this.#refusal(priority, `${this.#inFlight} requests are being answered and ${this.#waiting} wait`)
    }
    const nowMs = clock.now()
    const waitMs = Math.min(settings.maxWaitMs, deadlineAt - nowMs)
    const queue = this.#queues[priority]
    let leave = (): void => {}
    try {
      return await new Promise<boolean>((resolve, reject) => {
        const refuse = (why: string): void => reject(this.#refusal(priority, why))
        const place = queue.add({ enter: () => resolve(true), refuse }, nowMs, waitMs)
        const timer = clock.after(waitMs, () => refuse(`it has waited for ${Math.round(waitMs)} ms`))
        const hungUp = (): void => {
          // In the same moment, so that no room is made for it any more.
          queue.leave(place)
          resolve(false)
        }
        leave = () => {
          timer.cancel()
          queue.leave(place)
          cancellation.unsubscribe(hungUp)
        }
        cancellation.subscribe(hungUp)
      })
    } finally {
      leave()
    }
  }

  get #waiting(): number {
    return this.#queues.critical.size + this.#queues.normal.size + this.#queues.low.size
  }

  /** Gives the place of a less important one away, if one waits. */
  #makePlace(priority: Priority): boolean {
    for (const lower of PRIORITIES.slice(PRIORITIES.indexOf(priority) + 1).reverse()) {
      const oldest = this.#queues[lower].oldest
      if (oldest === undefined) continue
      this.#queues[lower].leave(oldest)
      oldest.item.refuse('more important ones wait')
      return true
    }
    return false
  }

  #release(): void {
    this.#inFlight--
    for (const priority of PRIORITIES) {
      const queue = this.#queues[priority]
      while (queue.size > 0 && this.#hasRoom(priority)) {
        this.#inFlight++
        queue.take(this.#parts.clock.now())!.enter()
      }
    }
  }

  #refusal(priority: Priority, reason: string): Refusal {
    const { counts, settings } = this.#parts
    counts[priority]++
    return new Refusal('MESH_ERR_SHED', `a request of ${priority} priority was shed: ${reason}`, { retryAfterSec: settings.retryAfterSec })
  }
}
