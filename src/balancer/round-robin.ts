import type { Random } from '../base/random.js'
import type { Node } from './node.js'

/** One after the other. */
export class RoundRobinPicker {
  #turn: number

  constructor(random: Random) {
    // Clients that started together would otherwise go round together.
    this.#turn = Math.floor(random() * 0x1_0000)
  }

  pick(nodes: readonly Node[]): Node | undefined {
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER
    return nodes[this.#turn % nodes.length]
  }
}
