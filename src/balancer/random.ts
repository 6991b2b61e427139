import { Lots, type Random } from '../base/random.js'
import type { Node } from './node.js'

/** Each node with the same chance. */
export class RandomPicker {
  readonly #lots: Lots

  constructor(random: Random) {
    this.#lots = new Lots(random)
  }

  pick(nodes: readonly Node[]): Node | undefined {
    return nodes[this.#lots.below(nodes.length)]
  }
}
