import type { Endpoint } from '../call/endpoint.js'
import type { Snapshot } from '../call/snapshot.js'

export interface DoubtOptions {
  /** How long a service keeps its endpoints after the registry has said that it has none. */
  readonly emptyConfirmMs: number
  /** How long the endpoints are kept that vanished when more than half of a service did at once. */
  readonly shrinkConfirmMs: number
}

/** What to make of a registry's word. */
export interface Judgement {
  /** The picture to go by: what was told, and the endpoints that are kept beside it. */
  readonly snapshot: Snapshot
  /** How many endpoints are kept against the registry's word. */
  readonly kept: number
  /** When the word is to be believed as it stands, if nothing else is said until then; Infinity when nothing is kept. */
  readonly believeAt: number
}

/**
 * Doubts a word that takes away most of a service at once: a registry that lost its data, or its view of the agents, tells an
 * empty list as calmly as a true one. What it adds is taken at once; what it takes is kept until the word has stood for a
 * while. Calls to endpoints that are really gone fail to connect, and go elsewhere.
 */
export class Doubt {
  readonly #options: DoubtOptions
  #believed: readonly Endpoint[] = []
  #since: number | undefined

  constructor(options: DoubtOptions) {
    this.#options = options
  }

  /** Judges what was told at `nowMs`; also asked again about the last word when it is time to believe it. */
  judge(told: Snapshot, nowMs: number): Judgement {
    if (told.endpoints.length >= this.#believed.length / 2) return this.#believe(told)
    const named = new Set(told.endpoints.map(({ id }) => id))
    const vanished = this.#believed.filter(({ id }) => !named.has(id))
    const empty = told.endpoints.length === 0
    const since = (this.#since ??= nowMs)
    const believeAt = since + (empty ? this.#options.emptyConfirmMs : this.#options.shrinkConfirmMs)
    if (nowMs >= believeAt) return this.#believe(told)
    return { snapshot: { ...told, endpoints: [...told.endpoints, ...vanished] }, kept: vanished.length, believeAt }
  }

  /** The registry has fallen silent or failed: its last word confirms nothing, and the wait begins anew with the next one. */
  restart(): void {
    this.#since = undefined
  }

  #believe(told: Snapshot): Judgement {
    this.#believed = told.endpoints
    this.#since = undefined
    return { snapshot: told, kept: 0, believeAt: Infinity }
  }
}
