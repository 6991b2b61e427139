type CancelListener = (reason: Error) => void

/**
 * Tells the stages below that nobody waits any more. One is made per call; it costs an object, where an
 * AbortController with its combinators costs tens of microseconds.
 */
export class Cancellation {
  #reason: Error | undefined
  // Nearly always there is one listener, the transport: it needs no collection of its own.
  #listener: CancelListener | undefined
  #others: Set<CancelListener> | undefined

  /** Why it was cancelled; undefined while it is not. */
  get reason(): Error | undefined {
    return this.#reason
  }

  /** Cancels once; later calls change nothing. */
  cancel(reason: Error): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#listener?.(reason)
    // A listener may unsubscribe another one, which is then not told any more.
    for (const listener of this.#others ?? []) listener(reason)
    this.#listener = this.#others = undefined
  }

  /** Calls `listener` when cancelled; at once, if that has already happened. */
  subscribe(listener: CancelListener): void {
    if (this.#reason !== undefined) listener(this.#reason)
    else if (this.#listener === undefined) this.#listener = listener
    else (this.#others ??= new Set()).add(listener)
  }

  unsubscribe(listener: CancelListener): void {
    if (this.#listener === listener) this.#listener = undefined
    else this.#others?.delete(listener)
  }

  throwIfCancelled(): void {
    if (this.#reason !== undefined) throw this.#reason
  }

  /** Settles as `promise` does, or rejects as soon as this is cancelled. */
  async race<T>(promise: Promise<T>): Promise<T> {
    let listener: CancelListener | undefined
    const cancelled = new Promise<never>((_, reject) => this.subscribe((listener = reject)))
    try {
      return await Promise.race([promise, cancelled])
    } finally {
      if (listener !== undefined) this.unsubscribe(listener)
    }
  }
}
