import { Lots, type Random } from '../base/random.js'
import type { PickParts } from '../call/pick.js'
import type { Node } from './node.js'

/**
 * The fewest attempts in flight for its weight: the least (in flight + 1) / weight of all nodes, by lot among equals.
 * All are looked at: with what one client knows, two random choices make p99 up to 2 times as long.
 */
export class LeastLoadedPicker {
  readonly #lots: Lots

  constructor(random: Random) {
    this.#lots = new Lots(random)
  }

  pick(nodes: readonly Node[]): Node | undefined {
    let least: Node | undefined
    let leastLoad = Infinity
    let equals = 0
    for (const node of nodes) {
      const load = (node.inFlight + 1) / node.weight
      if (load > leastLoad) continue
      if (load < leastLoad) equals = 0
      equals++
      // The n-th of equals replaces the one before with a chance of 1/n, so that each has the same.
      if (equals === 1 || this.#lots.below(equals) === 0) {
        least = node
        leastLoad = load
      }
    }
    return least
  }

  partsOf({ weight }: Node): PickParts {
    return { weight }
  }
}
