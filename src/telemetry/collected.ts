import type { Instrument, instruments, InstrumentKey } from './instruments.js'
import type { CounterSeries, HistogramSeries, Labels } from './series.js'

type KeyOf<K extends Instrument['kind']> = { [I in InstrumentKey]: (typeof instruments)[I]['kind'] extends K ? I : never }[InstrumentKey]
export type CounterKey = KeyOf<'counter'>
export type GaugeKey = KeyOf<'gauge'>
export type HistogramKey = KeyOf<'histogram'>

/** What is looked at, and not counted: told anew for each collection. */
export interface Observation {
  readonly key: GaugeKey | CounterKey
  readonly labels: Labels
  readonly value: number
}

/** An instrument with its series at one moment. */
export interface Collected {
  readonly key: InstrumentKey
  readonly instrument: Instrument
  readonly series: readonly (CounterSeries | HistogramSeries)[]
}
