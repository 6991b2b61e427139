/** Latencies of one run or several, and how many requests failed. */
export class Samples {
  /** Requests that were born in the measured time and are settled. */
  settled = 0
  failed = 0
  #latencies = new Float64Array(1024)
  #count = 0
  #sorted = true

  /** An answer that counts for latency: a success, or the timeout that the caller sat through. */
  add(latencyMs: number): void {
    if (this.#count === this.#latencies.length) this.#reserve(2 * this.#count)
    this.#latencies[this.#count++] = latencyMs
    this.#sorted = false
  }

  addAll(other: Samples): void {
    this.#reserve(this.#count + other.#count)
    this.#latencies.set(other.#latencies.subarray(0, other.#count), this.#count)
    this.#count += other.#count
    this.#sorted = false
    this.settled += other.settled
    this.failed += other.failed
  }

  get errorRatio(): number {
    return this.settled === 0 ? 0 : this.failed / this.settled
  }

  /** The latency that `ratio` of all stay below (nearest rank); NaN without any. */
  quantile(ratio: number): number {
    if (!this.#sorted) this.#latencies.subarray(0, this.#count).sort()
    this.#sorted = true
    return this.#latencies[Math.max(0, Math.ceil(ratio * this.#count) - 1)] ?? NaN
  }

  get mean(): number {
    let sum = 0
    for (let i = 0; i < this.#count; i++) sum += this.#latencies[i]!
    return sum / this.#count
  }

  #reserve(capacity: number): void {
    if (capacity <= this.#latencies.length) return
    const latencies = new Float64Array(capacity)
    latencies.set(this.#latencies.subarray(0, this.#count))
    this.#latencies = latencies
  }
}
