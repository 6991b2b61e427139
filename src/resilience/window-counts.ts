const BUCKETS = 10

/** Counts of two kinds over the last while, by ten parts of it: what is older than the window is forgotten a part at a time, without a timer. */
export class WindowCounts {
  /** All of them within the window. */
  all = 0
  /** The good ones among them. */
  good = 0
  readonly #all = new Float64Array(BUCKETS)
  readonly #good = new Float64Array(BUCKETS)
  readonly #bucketMs: number
  #bucket = -1

  constructor(windowMs: number) {
    this.#bucketMs = windowMs / BUCKETS
  }

  add(isGood: boolean, nowMs: number): void {
    this.turn(nowMs)
    const at = this.#bucket % BUCKETS
    this.#all[at]!++
    this.all++
    if (!isGood) return
    this.#good[at]!++
    this.good++
  }

  /** Forgets what is too old. */
  turn(nowMs: number): void {
    const bucket = Math.floor(nowMs / this.#bucketMs)
    if (bucket <= this.#bucket) return
    for (let next = Math.max(this.#bucket + 1, bucket - BUCKETS + 1); next <= bucket; next++) {
      const at = next % BUCKETS
      this.all -= this.#all[at]!
      this.good -= this.#good[at]!
      this.#all[at] = this.#good[at] = 0
    }
    this.#bucket = bucket
  }
}
