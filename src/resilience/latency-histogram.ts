const PER_OCTAVE = 8
const SMALLEST_MS = 0.1
/** Twenty octaves: from 0.1 ms to 105 s. */
const BUCKETS = 20 * PER_OCTAVE

/**
 * How long answers take: counts in buckets each 9 % wider than the one before, so that a percentile is good to 9 %. Its memory is
 * fixed, and counting allocates nothing.
 */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0

  /** What has been counted and has not faded. */
  get count(): number {
    return this.#count
  }

  observe(latencyMs: number): void {
    const bucket = Math.floor(Math.log2(latencyMs / SMALLEST_MS) * PER_OCTAVE)
    this.#counts[Math.min(Math.max(bucket, 0), BUCKETS - 1)]! += 1
    this.#count++
  }

  /** Makes everything so far count for this share of what it did. */
  fade(share: number): void {
    this.#count = 0
    for (let i = 0; i < BUCKETS; i++) this.#count += this.#counts[i]! *= share
  }

  /** So long, at most, take this share (0–1) of the answers; Infinity while there are none. */
  percentileMs(share: number): number {
    let left = share * this.#count
    if (left <= 0) return Infinity
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#counts[i]!
      // Shares that were halved many times make the whole only nearly.
      if (left <= 1e-9) return SMALLEST_MS * 2 ** ((i + 1) / PER_OCTAVE)
    }
    return Infinity
  }
}
