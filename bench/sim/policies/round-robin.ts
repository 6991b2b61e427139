import { Baseline } from './baseline.js'

/** One after the other, each client from a place of its own. */
export class RoundRobin extends Baseline {
  #turn = Math.floor(this.random() * 0x10000)

  protected choose(): number {
    return this.members[this.#turn++ % this.members.length]!
  }
}
