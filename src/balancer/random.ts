import type { Random } from '../base/random.js'
import type { Node } from './node.js'

/** Each node with the same chance. */
export class RandomPicker {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  pick(nodes: readonly Node[]): Node | undefined {
    return nodes[Math.floor(this.#random() * nodes.length)]
  }
}
