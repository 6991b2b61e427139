import { AsyncLocalStorage } from 'node:async_hooks'

/** Who wants a place. */
export interface Guest {
  /** It has one: called at once, or when another guest has left. */
  begin(): void
}

/** So many guests at a time, and so many more who wait for one to leave, in order. */
export class Places {
  readonly #max: number
  readonly #maxWaiting: number
  #taken = 0
  /** In the order in which they came, each with the way back into its own asynchronous context. */
  readonly #waiting = new Map<Guest, <T>(task: () => T) => T>()

  constructor(max: number, maxWaiting: number) {
    this.#max = max
    this.#maxWaiting = maxWaiting
  }

  /** Takes a place, or one in the queue; false when there is neither. */
  enter(guest: Guest): boolean {
    if (this.#taken < this.#max) {
      this.#taken++
      guest.begin()
      return true
    }
    if (this.#waiting.size >= this.#maxWaiting) return false
    this.#waiting.set(guest, AsyncLocalStorage.snapshot())
    return true
  }

  /** Gives up waiting; false for one that does not wait. */
  giveUp(guest: Guest): boolean {
    return this.#waiting.delete(guest)
  }

  /** Gives back the place of a guest who had begun. */
  leave(): void {
    this.#taken--
    // Not in the middle of the leaving: the connection is free only behind it.
    if (this.#waiting.size > 0) queueMicrotask(this.#callIn)
  }

  #callIn = (): void => {
    for (const [guest, asGuest] of this.#waiting) {
      if (this.#taken >= this.#max) return
      this.#waiting.delete(guest)
      this.#taken++
      asGuest(() => guest.begin())
    }
  }
}
