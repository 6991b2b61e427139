/** An attempt under way at `node`: a link in the ring of those there that still wait for an answer. */
export class Flight<Node> {
  previous: Flight<Node> = this
  next: Flight<Node> = this

  constructor(
    readonly node: Node,
    readonly startedAtMs: number,
  ) {}

  /** It has its answer, or will have none. Telling it twice changes nothing. */
  settle(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this.next = this
  }
}

/** The attempts at one node that have no answer yet, the oldest first: begun and settled in a few pointer writes. */
export class Waiting<Node> {
  #ring: Flight<Node> | undefined

  add(node: Node, nowMs: number): Flight<Node> {
    // Made when first needed: most of a large set is never called.
    const ring = (this.#ring ??= new Flight(node, Infinity))
    const flight = new Flight(node, nowMs)
    flight.previous = ring.previous
    flight.next = ring
    ring.previous.next = flight
    ring.previous = flight
    return flight
  }

  /** When the oldest of them began; Infinity when there is none. */
  get oldestAtMs(): number {
    return this.#ring?.next.startedAtMs ?? Infinity
  }
}
