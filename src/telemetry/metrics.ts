import type { Collected, CounterKey, HistogramKey, Observation } from './collected.js'
import { instruments, type InstrumentKey } from './instruments.js'
import { Metering } from './metering.js'
import { CounterSeries, HistogramSeries, Names, SeriesSet, type Labels } from './series.js'

export interface MetricsOptions {
  /** Of this package, which OpenTelemetry is told. */
  readonly version: string
  /** What there is to be seen at this moment. */
  readonly observe: () => Iterable<Observation>
}

/**
 * Counts and measures what happens in one mesh, whether anybody asks or not: a few additions a call. Whoever asks gets it as
 * Prometheus text; an application that has registered an OpenTelemetry meter provider gets it there too.
 */
export class Metrics {
  readonly #observe: () => Iterable<Observation>
  readonly #metering: Metering
  readonly #names = new Names()
  readonly #counters = new Map<CounterKey, SeriesSet<CounterSeries>>()
  readonly #histograms = new Map<HistogramKey, SeriesSet<HistogramSeries>>()

  constructor({ version, observe }: MetricsOptions) {
    this.#observe = observe
    this.#metering = new Metering(version, () => this.collect())
  }

  counter(key: CounterKey): SeriesSet<CounterSeries> {
    const known = this.#counters.get(key)
    if (known !== undefined) return known
    const made = new SeriesSet(instruments[key], this.#names, (labels) => new CounterSeries(labels))
    this.#counters.set(key, made)
    return made
  }

  histogram(key: HistogramKey): SeriesSet<HistogramSeries> {
    const known = this.#histograms.get(key)
    if (known !== undefined) return known
    const made = new SeriesSet(instruments[key], this.#names, (labels) => new HistogramSeries(labels))
    this.#histograms.set(key, made)
    return made
  }

  /** Counts one. */
  count(key: CounterKey, labels: Labels = {}): void {
    this.#metering.turn()
    this.counter(key).at(labels).value++
  }

  /** Measures one, here and wherever OpenTelemetry leads. */
  record(key: HistogramKey, series: HistogramSeries, seconds: number): void {
    series.record(seconds)
    this.#metering.record(key, seconds, series.labels)
  }

  /** Everything that was counted, and what there is to be seen now. */
  collect(): readonly Collected[] {
    this.#metering.turn()
    const seen = new Map<InstrumentKey, SeriesSet<CounterSeries>>()
    for (const { key, labels, value } of this.#observe()) {
      const set = seen.get(key) ?? new SeriesSet(instruments[key], this.#names, (of) => new CounterSeries(of))
      seen.set(key, set)
      // What there is no room for is told together, where things are counted; of shares and times a sum says nothing.
      const series = instruments[key].unit.startsWith('{') ? set.at(labels) : set.find(labels)
      if (series !== undefined) series.value += value
    }
    return (Object.keys(instruments) as InstrumentKey[]).map((key) => {
      const set = seen.get(key) ?? this.#counters.get(key as CounterKey) ?? this.#histograms.get(key as HistogramKey)
      return { key, instrument: instruments[key], series: set?.all ?? [] }
    })
  }

  /** Tells OpenTelemetry nothing more. */
  close(): void {
    this.#metering.close()
  }
}
