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
      const load = loadOf(node)
      if (load > leastLoad) continue
      equals = load === leastLoad ? equals + 1 : 1
      least = node
      leastLoad = load
    }
    if (equals <= 1) return least
    let lot = this.#lots.below(equals)
    for (const node of nodes) if (loadOf(node) === leastLoad && lot-- === 0) return node
    return least
  }

  partsOf({ weight }: Node): PickParts {
    return { weight }
  }
}

function loadOf({ inFlight, weight }: Node): number {
  return (inFlight + 1) / weight
}
