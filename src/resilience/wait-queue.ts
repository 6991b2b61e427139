/** Of the time that somebody has, so much may be spent here: what is left must do for the work. */
const WORTH_WAITING_RATIO = 0.5

/** The place of one who waits: a link in the queue's ring. */
export interface Place<T> {
  readonly item: T
}

class Link<T> implements Place<T> {
  previous: Link<T> = this
  next: Link<T> = this

  constructor(
    readonly item: T,
    /** When it is too late to begin. */
    readonly staleAtMs: number,
  ) {}
}

/**
 * Who waits for room, in the order in which they came: a burst, and callers who wait for each other, are served fairly. When the
 * one whose turn it is has waited for half of the time that it has, there is more to do than can be done. In order, each
 * would then have waited for almost as long as it can, and be given up before its work is done; so the newest comes first, who
 * has the most time left, until those who wait in vain have gone (adaptive LIFO, Maurer, "Fail at Scale", ACM Queue 13/8, 2015,
 * by time that is left and not by time that it stands). Coming and leaving are a few pointer writes.
 */
export class WaitQueue<T> {
  /** How many wait. */
  size = 0
  readonly #head = new Link<T>(undefined as T, 0)

  /** The one that has waited longest. */
  get oldest(): Place<T> | undefined {
    return this.size === 0 ? undefined : this.#head.next
  }

  /** Adds one that has so much time. */
  add(item: T, nowMs: number, timeMs: number): Place<T> {
    const link = new Link(item, nowMs + WORTH_WAITING_RATIO * timeMs)
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
    const oldest = this.#head.next
    const link = nowMs > oldest.staleAtMs ? this.#head.previous : oldest
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
