/** A priority queue of integers, the least key first. It lives in typed arrays and makes no garbage while it runs. */
export class Heap {
  size = 0
  #keys = new Float64Array(16)
  #values = new Int32Array(16)

  /** Infinity when there is nothing. */
  get leastKey(): number {
    return this.size === 0 ? Infinity : this.#keys[0]!
  }

  get leastValue(): number {
    return this.#values[0]!
  }

  push(key: number, value: number): void {
    if (this.size === this.#keys.length) this.#grow()
    const keys = this.#keys
    const values = this.#values
    let hole = this.size++
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      if (keys[parent]! <= key) break
      keys[hole] = keys[parent]!
      values[hole] = values[parent]!
      hole = parent
    }
    keys[hole] = key
    values[hole] = value
  }

  /** Takes the value with the least key. */
  pop(): number {
    const keys = this.#keys
    const values = this.#values
    const taken = values[0]!
    const last = --this.size
    const key = keys[last]!
    const value = values[last]!
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= last) break
      if (child + 1 < last && keys[child + 1]! < keys[child]!) child++
      if (keys[child]! >= key) break
      keys[hole] = keys[child]!
      values[hole] = values[child]!
      hole = child
    }
    keys[hole] = key
    values[hole] = value
    return taken
  }

  #grow(): void {
    const keys = new Float64Array(2 * this.#keys.length)
    const values = new Int32Array(2 * this.#values.length)
    keys.set(this.#keys)
    values.set(this.#values)
    this.#keys = keys
    this.#values = values
  }
}
