/** What is to happen, given back in the order of time. */
export class EventHeap<T> {
  readonly #events: { readonly at: number; readonly what: T }[] = []

  get nextAt(): number {
    return this.#events[0]?.at ?? Infinity
  }

  push(at: number, what: T): void {
    const events = this.#events
    let place = events.push({ at, what }) - 1
    for (let parent = (place - 1) >> 1; place > 0 && events[parent]!.at > at; parent = (place - 1) >> 1) {
      this.#swap(place, parent)
      place = parent
    }
  }

  pop(): T | undefined {
    const events = this.#events
    if (events.length === 0) return undefined
    this.#swap(0, events.length - 1)
    const { what } = events.pop()!
    for (let place = 0, child = 1; child < events.length; child = 2 * place + 1) {
      if (child + 1 < events.length && events[child + 1]!.at < events[child]!.at) child++
      if (events[place]!.at <= events[child]!.at) break
      this.#swap(place, child)
      place = child
    }
    return what
  }

  #swap(a: number, b: number): void {
    const event = this.#events[a]!
    this.#events[a] = this.#events[b]!
    this.#events[b] = event
  }
}
