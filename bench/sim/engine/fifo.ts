/** A queue of integers, the oldest first, in a ring that grows. */
export class Fifo {
  size = 0
  #ring = new Int32Array(16)
  #head = 0

  push(value: number): void {
    if (this.size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.size++) & (this.#ring.length - 1)] = value
  }

  /** The oldest; only when there is one. */
  peek(): number {
    return this.#ring[this.#head]!
  }

  shift(): number {
    const oldest = this.#ring[this.#head]!
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.size--
    return oldest
  }

  #grow(): void {
    const ring = new Int32Array(2 * this.#ring.length)
    for (let i = 0; i < this.size; i++) ring[i] = this.#ring[(this.#head + i) & (this.#ring.length - 1)]!
    this.#ring = ring
    this.#head = 0
  }
}
