import type { Figures } from './answers.js'
import { Slices } from './slices.js'

/** The longest time that can be asked about. */
export const MAX_WINDOW_SEC = 600

const PER_OCTAVE = 8
const SMALLEST_MS = 0.1
/** Twenty octaves, from 0.1 ms to 105 s. */
const BUCKETS = 20 * PER_OCTAVE

// Counts are kept by the second. Durations take a hundred times the room, and so have longer slices: one size for windows
// of a minute at most, one for longer ones.
const SHORT_WINDOW_SEC = 60
const SHORT_SLICE_MS = 5_000
const LONG_SLICE_MS = 60_000

/** What happened in the last ten minutes to one thing, such as an edge: how often, and how long it took. */
export class Tally {
  /** When the last of it happened; 0 for never. */
  lastAt = 0
  firstAt = Infinity
  readonly #counts: Slices
  readonly #short: Slices | undefined
  readonly #long: Slices | undefined

  /** Counts so many things. */
  constructor(columns: number, { durations }: { readonly durations: boolean }) {
    this.#counts = new Slices(1_000, MAX_WINDOW_SEC + 2, columns)
    if (!durations) return
    this.#short = new Slices(SHORT_SLICE_MS, (SHORT_WINDOW_SEC * 1_000) / SHORT_SLICE_MS + 2, BUCKETS)
    this.#long = new Slices(LONG_SLICE_MS, (MAX_WINDOW_SEC * 1_000) / LONG_SLICE_MS + 2, BUCKETS)
  }

  count(column: number, at: number): void {
    if (at > this.lastAt) this.lastAt = at
    if (at < this.firstAt) this.firstAt = at
    this.#counts.add(column, at)
  }

  took(durationMs: number, at: number): void {
    const bucket = Math.floor(Math.log2(durationMs / SMALLEST_MS) * PER_OCTAVE)
    const column = Math.min(Math.max(bucket, 0), BUCKETS - 1)
    this.#short?.add(column, at)
    this.#long?.add(column, at)
  }

  countsInto(sums: Float64Array, from: number, to: number): void {
    this.#counts.sumInto(sums, from, to)
  }

  durationsInto(sums: Float64Array, from: number, to: number): void {
    const slices = to - from <= SHORT_WINDOW_SEC * 1_000 ? this.#short : this.#long
    slices?.sumInto(sums, from, to)
  }

  get bytes(): number {
    return this.#counts.bytes + (this.#short?.bytes ?? 0) + (this.#long?.bytes ?? 0)
  }
}

/** A time that ends now. */
export interface Window {
  readonly now: number
  readonly windowSec: number
}

/** Several tallies of the same columns, over one window. */
export class Sums {
  firstAt = Infinity
  lastAt = 0
  readonly #window: Window
  readonly #from: number
  readonly #counts: Float64Array
  readonly #durations = new Float64Array(BUCKETS)

  constructor(columns: number, window: Window) {
    this.#window = window
    this.#from = window.now - window.windowSec * 1_000
    this.#counts = new Float64Array(columns)
  }

  add(tally: Tally): void {
    this.firstAt = Math.min(this.firstAt, tally.firstAt)
    this.lastAt = Math.max(this.lastAt, tally.lastAt)
    tally.countsInto(this.#counts, this.#from, this.#window.now)
    tally.durationsInto(this.#durations, this.#from, this.#window.now)
  }

  count(column: number): number {
    return this.#counts[column]!
  }

  /** Per second of the window, or of the time since the first one, when that is shorter. */
  perSec(column: number): number {
    const { now, windowSec } = this.#window
    const elapsedSec = Math.min(windowSec, Math.max(1, (now - this.firstAt) / 1_000))
    return this.#counts[column]! / elapsedSec
  }

  /** How it went with what these columns count. */
  figures(counted: number, failed: number): Figures {
    const [count, errors] = [this.count(counted), this.count(failed)]
    return {
      count,
      errors,
      perSec: this.perSec(counted),
      successRatio: count === 0 ? 1 : 1 - errors / count,
      p50Ms: this.percentileMs(0.5),
      p99Ms: this.percentileMs(0.99),
    }
  }

  /** So long, at most, took this share (0–1) of them, to 4.5 %; 0 for none. */
  percentileMs(share: number): number {
    let left = Math.ceil(share * this.#durations.reduce((sum, count) => sum + count, 0))
    if (left === 0) return 0
    let bucket = -1
    while (left > 0) left -= this.#durations[++bucket]!
    return rounded(SMALLEST_MS * 2 ** ((bucket + 0.5) / PER_OCTAVE))
  }
}

/** To the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000
}
