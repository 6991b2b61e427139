import type { Point, PointValue } from './read-points.js'
import type { Attributes } from './span.js'

export interface SeriesOptions {
  /** Most series kept; further ones are counted and not kept. */
  readonly maxSeries: number
  /** Most points kept of one series. */
  readonly maxPoints: number
  /** Most that all points may hold, roughly; beyond it, a series gives up two old ones for each new one. */
  readonly maxBytes: number
}

export const seriesDefaults: SeriesOptions = Object.freeze({ maxSeries: 2_000, maxPoints: 120, maxBytes: 16 * 1024 * 1024 })

/** What a series is named by may be no longer than this. */
const MAX_KEY_LENGTH = 4_096

const SILENT_MS = 600_000
const SWEEP_AT_MOST_EVERY_MS = 10_000

interface Kept {
  readonly at: number
  readonly value: PointValue
}

/** The latest points of one metric of one service with one set of attributes. */
export interface Series {
  readonly service: string
  readonly metric: string
  readonly unit: string
  readonly attributes: Attributes
  readonly points: Kept[]
}

/** The metrics that came last. */
export class SeriesStore {
  readonly maxSeries: number
  readonly maxBytes: number
  readonly #maxPoints: number
  readonly #series = new Map<string, Series>()
  #bytes = 0
  #sweptAt = 0

  constructor({ maxSeries, maxPoints, maxBytes }: SeriesOptions = seriesDefaults) {
    this.maxSeries = maxSeries
    this.maxBytes = maxBytes
    this.#maxPoints = maxPoints
  }

  /** Adds a point; false when its series is one too many, or its name too long. */
  add({ service, metric, unit, attributes, at, value }: Point): boolean {
    const key = JSON.stringify([service, metric, Object.entries(attributes).sort()])
    if (key.length > MAX_KEY_LENGTH) return false
    const series = this.#series.get(key) ?? { service, metric, unit, attributes, points: [] }
    if (!this.#series.has(key)) {
      if (this.#series.size >= this.maxSeries && !this.#hasRoomAt(at)) return false
      this.#series.set(key, series)
    }
    this.#push(series.points, { at, value: withSharedBounds(value, series.points.at(-1)?.value) })
    return true
  }

  all(): Iterable<Series> {
    return this.#series.values()
  }

  get size(): number {
    return this.#series.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether there is room after those are forgotten that have been silent for long. */
  #hasRoomAt(at: number): boolean {
    // A sweep looks at everything, which must not be done for each of a flood of new names.
    if (at - this.#sweptAt < SWEEP_AT_MOST_EVERY_MS) return false
    this.#sweptAt = at
    for (const [key, { points }] of this.#series) {
      if (points.at(-1)!.at > at - SILENT_MS) continue
      for (const point of points) this.#bytes -= sizeOf(point)
      this.#series.delete(key)
    }
    return this.#series.size < this.maxSeries
  }

  #push(points: Kept[], point: Kept): void {
    points.push(point)
    this.#bytes += sizeOf(point)
    const tooMany = points.length > this.#maxPoints ? 1 : 0
    const goes = this.#bytes > this.maxBytes ? Math.min(2, points.length - 1) : tooMany
    for (const old of points.splice(0, goes)) this.#bytes -= sizeOf(old)
  }
}

/** The bounds of a histogram stay the same from point to point, and take as much room as its counts. */
function withSharedBounds(value: PointValue, former: PointValue | undefined): PointValue {
  if (typeof value === 'number' || typeof former !== 'object') return value
  const isSame = value.bounds.length === former.bounds.length && value.bounds.every((bound, i) => bound === former.bounds[i])
  return isSame ? { ...value, bounds: former.bounds } : value
}

const POINT_BYTES = 64

function sizeOf({ value }: Kept): number {
  return POINT_BYTES + (typeof value === 'number' ? 0 : 8 * value.buckets.length)
}
