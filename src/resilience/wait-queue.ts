/** A queue that has not been empty for so long stands: what waits in it is no burst any more. */
const STANDING_MS = 100

/** The place of one who waits: a link in the queue's ring. */
export interface Place<T> {
  readonly item: T
  readonly sinceMs: number
}

class Link<T> implements Place<T> {
  previous: Link<T> = this
  next: Link<T> = this

  constructor(
    readonly item: T,
    readonly sinceMs: number,
  ) {}
}

/**
 * Who waits for room. A burst is served in the order in which it came. In a queue that stands, that order would give every
 * one of them the longest wait, and most would be given up before their work is done: there the newest comes first, who has
 * the most time left (adaptive LIFO, Maurer, "Fail at Scale", ACM Queue 13/8, 2015). Taking and leaving are a few pointer writes.
 */
export class WaitQueue<T> {
  /** How many wait. */
  size = 0
  readonly #head = new Link<T>(undefined as T, 0)
  #standsSinceMs = 0

  /** The one that has waited longest. */
  get oldest(): Place<T> | undefined {
    return this.size === 0 ? undefined : this.#head.next
  }

  add(item: T, nowMs: number): Place<T> {
    if (this.size === 0) this.#standsSinceMs = nowMs
    const link = new Link(item, nowMs)
    link.previous = this.#head.previous
    link.next = this.#head
    this.#head.previous.next = link
    this.#head.previous = link
    this.size++
    return link
  }

  /** Takes out the one whose turn it is. */
  take(nowMs: number): T | undefined {
    if (this.size === 0) return undefined
    const link = nowMs - this.#standsSinceMs > STANDING_MS ? this.#head.previous : this.#head.next
    this.leave(link)
    return link.item
  }

  /** Gives a place up; one that was taken is left already. */
  leave(place: Place<T>): void {
    const link = place as Link<T>
    if (link.next === link) return
    link.previous.next = link.next
    link.next.previous = link.previous
    link.previous = link.next = link
    this.size--
  }
}
