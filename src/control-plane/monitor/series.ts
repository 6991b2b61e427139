import type { Point, PointValue } from './read-points.js'
import type { Attributes } from './span.js'

export interface SeriesOptions {
  /** Most series kept; further ones are counted and not kept. */
  readonly maxSeries: number
  /** Most points kept of one series. */
  readonly maxPoints: number
}

export const seriesDefaults: SeriesOptions = Object.freeze({ maxSeries: 2_000, maxPoints: 120 })

/** The latest points of one metric of one service with one set of attributes. */
export interface Series {
  readonly service: string
  readonly metric: string
  readonly unit: string
  readonly attributes: Attributes
  readonly points: { readonly at: number; readonly value: PointValue }[]
}

/** The metrics that came last. */
export class SeriesStore {
  readonly #options: SeriesOptions
  readonly #series = new Map<string, Series>()

  constructor(options: SeriesOptions = seriesDefaults) {
    this.#options = options
  }

  /** Adds a point; false when its series is one too many. */
  add({ service, metric, unit, attributes, at, value }: Point): boolean {
    const key = JSON.stringify([service, metric, Object.entries(attributes).sort()])
    const series = this.#series.get(key) ?? { service, metric, unit, attributes, points: [] }
    if (!this.#series.has(key)) {
      if (this.#series.size >= this.#options.maxSeries) return false
      this.#series.set(key, series)
    }
    series.points.push({ at, value })
    if (series.points.length > this.#options.maxPoints) series.points.shift()
    return true
  }

  all(): Iterable<Series> {
    return this.#series.values()
  }
}
