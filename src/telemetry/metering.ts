import { createNoopMeter, metrics, type BatchObservableCallback, type Histogram, type Meter, type MeterProvider, type Observable } from '@opentelemetry/api'
import { guarded } from './guarded.js'
import { DURATION_BUCKETS, instruments, type InstrumentKey } from './instruments.js'
import type { Collected, HistogramKey } from './collected.js'
import { HistogramSeries, type Labels } from './series.js'

/** The meter that stands in while no SDK is registered. */
const NOBODY = createNoopMeter()

/**
 * The way to whoever meters. Histograms are told at once, everything else when it is asked for, so that a call pays for nothing
 * twice. An application may register its SDK after it has made its mesh, so each use looks for it; that allocates nothing.
 */
export class Metering {
  readonly #version: string
  readonly #collect: () => readonly Collected[]
  #provider: MeterProvider | undefined
  #histograms: Readonly<Record<HistogramKey, Histogram>> | undefined
  #leave: () => void = () => {}
  #closed = false

  constructor(version: string, collect: () => readonly Collected[]) {
    this.#version = version
    this.#collect = collect
  }

  record(key: HistogramKey, value: number, labels: Labels): void {
    this.turn()
    if (this.#histograms === undefined) return
    const histogram = this.#histograms[key]
    guarded(() => histogram.record(value, labels), undefined)
  }

  /** Turns to the provider that is registered now. */
  turn(): void {
    const provider = metrics.getMeterProvider()
    if (provider === this.#provider || this.#closed) return
    this.#provider = provider
    this.#leave()
    this.#leave = () => {}
    this.#histograms = undefined
    const meter = guarded(() => provider.getMeter('sidecarless', this.#version), NOBODY)
    if (meter !== NOBODY) guarded(() => this.#use(meter), undefined)
  }

  close(): void {
    this.#closed = true
    this.#histograms = undefined
    this.#leave()
  }

  #use(meter: Meter): void {
    const observables = new Map<InstrumentKey, Observable>()
    const histograms: Partial<Record<HistogramKey, Histogram>> = {}
    for (const [key, { name, kind, unit, description }] of Object.entries(instruments)) {
      const options = { unit, description }
      if (kind === 'histogram') histograms[key as HistogramKey] = meter.createHistogram(name, { ...options, advice: { explicitBucketBoundaries: [...DURATION_BUCKETS] } })
      else observables.set(key as InstrumentKey, kind === 'counter' ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options))
    }
    const observe: BatchObservableCallback = (result) => {
      for (const { key, series } of this.#collect()) {
        const observable = observables.get(key)
        if (observable === undefined) continue
        for (const one of series) if (!(one instanceof HistogramSeries)) result.observe(observable, one.value, one.labels)
      }
    }
    const all = [...observables.values()]
    meter.addBatchObservableCallback(observe, all)
    this.#leave = () => guarded(() => meter.removeBatchObservableCallback(observe, all), undefined)
    this.#histograms = histograms as Record<HistogramKey, Histogram>
  }
}
