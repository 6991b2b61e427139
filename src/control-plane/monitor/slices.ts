/**
 * Counts by slices of time, in a ring: a slice that is too old is written over by the newest one. Its memory is fixed, and
 * counting allocates nothing.
 */
export class Slices {
  readonly #sliceMs: number
  readonly #columns: number
  /** Which slice since the epoch each place of the ring holds. */
  readonly #slices: Uint32Array
  readonly #counts: Uint32Array

  constructor(sliceMs: number, slices: number, columns: number) {
    this.#sliceMs = sliceMs
    this.#columns = columns
    this.#slices = new Uint32Array(slices)
    this.#counts = new Uint32Array(slices * columns)
  }

  /** Counts one in a column; what is older than the ring is long counts nowhere. */
  add(column: number, at: number): void {
    const slice = Math.floor(at / this.#sliceMs)
    const place = slice % this.#slices.length
    const held = this.#slices[place]!
    if (held > slice) return
    if (held < slice) {
      this.#slices[place] = slice
      this.#counts.fill(0, place * this.#columns, (place + 1) * this.#columns)
    }
    this.#counts[place * this.#columns + column]!++
  }

  /** Adds up each column over the slices that reach into the time from `from` to `to`. */
  sumInto(sums: Float64Array, from: number, to: number): void {
    const first = Math.floor(from / this.#sliceMs)
    const last = Math.floor(to / this.#sliceMs)
    for (let place = 0; place < this.#slices.length; place++) {
      const slice = this.#slices[place]!
      if (slice < first || slice > last) continue
      for (let column = 0; column < this.#columns; column++) sums[column]! += this.#counts[place * this.#columns + column]!
    }
  }

  get bytes(): number {
    return this.#slices.byteLength + this.#counts.byteLength
  }
}
