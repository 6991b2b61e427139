import type { Clock, Timer } from './clock.js'

/** How far behind its time an entry may fire, at most. */
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
    this.unlink()
    this.wheel.size--
  }

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this.next = this
  }
}

/**
 * One coarse timer shared by everything that waits for a call: setting and stopping an entry is a few pointer
 * writes, where a timer of its own with an AbortController costs some 12 µs.
 * Entries fire up to 10 ms late and never early. While there are entries somebody waits, so the process stays alive.
 * Hashed timing wheel: Varghese and Lauck, SOSP 1987, scheme 6.
 */
export class TimerWheel {
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
    const dueTick = Math.ceil((this.#elapsedMs() + Math.max(delayMs, 0)) / TICK_MS)
    const entry = new Entry(this, dueTick, task)
    if (dueTick === Infinity) return entry
    // An idle wheel has not turned: bring it up to now before it counts again.
    if (this.size === 0) this.#tick = Math.floor(this.#elapsedMs() / TICK_MS)
    const head = this.#slots[Math.max(dueTick, this.#tick + 1) % SLOTS]!
    entry.previous = head.previous
    entry.next = head
    head.previous.next = entry
    head.previous = entry
    this.size++
    this.#pulse ??= this.#clock.afterHolding(TICK_MS, this.#turn)
    return entry
  }

  #elapsedMs(): number {
    return this.#clock.now() - this.#startedAt
  }

  #turn = (): void => {
    const nowTick = Math.floor(this.#elapsedMs() / TICK_MS)
    // After a long pause one round passes every slot; more rounds would only pass them again.
    const firstTick = Math.max(this.#tick + 1, nowTick - SLOTS + 1)
    this.#tick = nowTick
    for (let tick = firstTick; tick <= nowTick; tick++) this.#fire(this.#slots[tick % SLOTS]!, nowTick)
    this.#pulse = this.size === 0 ? undefined : this.#clock.afterHolding(TICK_MS, this.#turn)
  }

  #fire(head: Entry, nowTick: number): void {
    const due: Entry[] = []
    for (let entry = head.next; entry !== head; entry = entry.next) {
      if (entry.dueTick <= nowTick) due.push(entry)
    }
    for (const entry of due) {
      // A task that ran just now may have stopped this one.
      if (entry.next === entry) continue
      entry.cancel()
      entry.task()
    }
  }
}
