import { Baseline } from './baseline.js'

/** The fewer requests in flight of two random choices (Envoy's LEAST_REQUEST, Finagle's p2c). */
export class LeastRequestOfTwo extends Baseline {
  readonly #load = (server: number): number => this.inFlight[server]!

  protected choose(): number {
    return this.lessOfTwo(this.#load)
  }
}

/** The fewest requests in flight of all (`leastconn`). */
export class LeastRequestOfAll extends Baseline {
  readonly #load = (server: number): number => this.inFlight[server]!

  protected choose(): number {
    return this.leastOfAll(this.#load)
  }
}
