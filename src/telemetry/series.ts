import { HTTP_ROUTE, MESH_PEER_PRINCIPAL, MESH_PEER_SERVICE, SERVER_ADDRESS } from './attributes.js'
import { DURATION_BUCKETS, type Instrument } from './instruments.js'
import { SeriesCache } from './series-cache.js'

/** What one series differs from the others of its instrument by. Never changed: it is handed to the SDK as it is. */
export type Labels = Readonly<Record<string, string | number | boolean | undefined>>

/** Series of one instrument, that of the overflow included: as many as the SDK keeps. */
export const MAX_SERIES = 2_000
/** Names that come from outside, and how many of each are told apart; what comes later is counted together. */
const MAX_NAMES: Readonly<Record<string, number>> = { [SERVER_ADDRESS]: 200, [MESH_PEER_SERVICE]: 200, [MESH_PEER_PRINCIPAL]: 200, [HTTP_ROUTE]: 500 }
/** As the specification of the SDK has it. */
const OVERFLOW: Labels = Object.freeze({ 'otel.metric.overflow': true })

/** The names that are told apart, the same ones by all instruments. */
export class Names {
  readonly #known = new Map<string, Set<unknown>>()

  /** Whether there is room for all of these, which from then on are known. */
  admits(labels: Labels): boolean {
    for (const attribute in MAX_NAMES) if (!this.#hasRoom(attribute, labels[attribute])) return false
    for (const attribute in MAX_NAMES) if (labels[attribute] !== undefined) this.#known.get(attribute)!.add(labels[attribute])
    return true
  }

  #hasRoom(attribute: string, value: unknown): boolean {
    if (value === undefined) return true
    const known = this.#known.get(attribute) ?? new Set()
    this.#known.set(attribute, known)
    return known.has(value) || known.size < MAX_NAMES[attribute]!
  }
}

export class CounterSeries {
  value = 0

  constructor(readonly labels: Labels) {}
}

export class HistogramSeries {
  count = 0
  sum = 0
  /** How many lay within each bucket; the last one is for what was longer than all bounds. */
  readonly buckets: number[] = new Array<number>(DURATION_BUCKETS.length + 1).fill(0)

  constructor(readonly labels: Labels) {}

  record(value: number): void {
    this.count++
    this.sum += value
    let bucket = 0
    while (bucket < DURATION_BUCKETS.length && value > DURATION_BUCKETS[bucket]!) bucket++
    this.buckets[bucket]!++
  }
}

/** The series of one instrument: bounded, whatever comes. */
export class SeriesSet<S extends { readonly labels: Labels }> {
  /** The short way to series that were found before. */
  readonly cache = new SeriesCache<S>()
  readonly #instrument: Instrument
  readonly #names: Names
  readonly #make: (labels: Labels) => S
  readonly #series = new Map<string, S>()
  #overflow: S | undefined

  constructor(instrument: Instrument, names: Names, make: (labels: Labels) => S) {
    this.#instrument = instrument
    this.#names = names
    this.#make = make
  }

  /** The series with these values; that of the overflow when there is no room for another one. */
  at(labels: Labels): S {
    return this.find(labels) ?? (this.#overflow ??= this.#make(OVERFLOW))
  }

  /** The series with these values, made if there is room for it. */
  find(labels: Labels): S | undefined {
    const key = this.#instrument.attributes.map((attribute) => String(labels[attribute] ?? '')).join('\0')
    const known = this.#series.get(key)
    if (known !== undefined) return known
    if (this.#series.size >= MAX_SERIES - 1 || !this.#names.admits(labels)) return undefined
    const made = this.#make(withoutUndefined(labels))
    this.#series.set(key, made)
    return made
  }

  get all(): readonly S[] {
    return [...this.#series.values(), ...(this.#overflow === undefined ? [] : [this.#overflow])]
  }
}

function withoutUndefined(labels: Labels): Labels {
  return Object.freeze(Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)))
}
