import type { Clock, Timer } from './clock.js'

const TICK_MS = 10
const SLOTS = 512

/** One waiting entry: a link in its slot's ring. */
class Entry implements Timer {
  previous: Entry = this
  next: Entry = this

  constructor(
    readonly wheel: TimerWheel,
    readonly dueTick: number,
    readonly task: () => void,
  ) {}

  cancel(): void {
    if (this.next === this) return
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this.next = this
    this.wheel.size--
  }
}

/**
 * One coarse timer shared by everything that waits for a call: setting and stopping an entry is a few pointer
 * writes, where a timer of its own with an AbortController costs some 12 µs.
 * Entries fire never early and at most 10 ms late, besides what the clock's own timer is late. While there are
 * entries somebody waits, so the process stays alive.
 * Hashed timing wheel: Varghese and Lauck, SOSP 1987, scheme 6.
 */
export class TimerWheel {
  /** Entries that wait. */
  size = 0
  readonly #clock: Clock
  readonly #slots: Entry[]
  readonly #startedAt: number
  #tick = 0
  #pulse: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
    this.#startedAt = clock.now()
    this.#slots = Array.from({ length: SLOTS }, () => new Entry(this, 0, () => {}))
  }

  /** Runs `task` once, `delayMs` from now; an infinite delay never fires. */
  after(delayMs: number, task: () => void): Timer {
    const elapsedMs = this.#elapsedMs()
    // An idle wheel has not turned: bring it up to now before it counts again.
    if (this.size === 0) this.#tick = Math.max(this.#tick, Math.floor(elapsedMs / TICK_MS))
    const dueTick = Math.max(Math.ceil((elapsedMs + delayMs) / TICK_MS), this.#tick + 1)
    const entry = new Entry(this, dueTick, task)
    if (dueTick === Infinity) return entry
    const head = this.#slots[dueTick % SLOTS]!
    entry.previous = head.previous
    entry.next = head
    head.previous.next = entry
    head.previous = entry
    this.size++
    if (this.#pulse === undefined) this.#awaitNextTick()
    return entry
  }

  #elapsedMs(): number {
    return this.#clock.now() - this.#startedAt
  }

  // Aimed at where the next tick begins: a pulse of a fixed length drifts, and would be up to a tick late on top.
  #awaitNextTick(): void {
    const leftMs = (this.#tick + 1) * TICK_MS - this.#elapsedMs()
    // No timer is shorter than 1 ms; a remainder lost to rounding would be one that never passes.
    this.#pulse = this.#clock.afterHolding(Math.max(leftMs, 1), this.#turn)
  }

  #turn = (): void => {
    const nowTick = Math.floor(this.#elapsedMs() / TICK_MS)
    // After a long pause one round passes every slot; more rounds would only pass them again.
    const firstTick = Math.max(this.#tick + 1, nowTick - SLOTS + 1)
    // Set first: what a task adds belongs to a tick to come.
    this.#tick = Math.max(this.#tick, nowTick)
    for (let tick = firstTick; tick <= nowTick; tick++) this.#fire(this.#slots[tick % SLOTS]!, nowTick)
    this.#pulse = undefined
    if (this.size > 0) this.#awaitNextTick()
  }

  #fire(head: Entry, nowTick: number): void {
    if (head.next === head) return
    const due: Entry[] = []
    for (let entry = head.next; entry !== head; entry = entry.next) {
      if (entry.dueTick <= nowTick) due.push(entry)
    }
    for (const entry of due) {
      // A task that ran just now may have stopped this one.
      if (entry.next === entry) continue
      entry.cancel()
      try {
        entry.task()
      } catch (error) {
        // Uncaught, as from a timer of its own, but the others still get their turn.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
