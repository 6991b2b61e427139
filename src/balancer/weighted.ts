import type { Random } from '../base/random.js'
import type { PickParts } from '../call/pick.js'
import type { Node } from './node.js'

/**
 * By static weight, spread as evenly as the weights allow: 5, 1, 1 gives a a b a c a a and not a a a a a b c.
 * Each pick every node earns its weight, and the richest is picked and pays what all have earned together
 * (the smooth weighted round robin of nginx). Weight 0 gets nothing, unless all are 0: then all are equal.
 */
export class WeightedPicker {
  // Weak, so that a node that has gone takes its account along.
  readonly #accounts = new WeakMap<Node, { credit: number }>()
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  pick(nodes: readonly Node[]): Node | undefined {
    let total = 0
    for (const node of nodes) total += node.weight
    const allZero = total === 0
    if (allZero) total = nodes.length

    let richest: Node | undefined
    let account: { credit: number } | undefined
    for (const node of nodes) {
      const weight = allZero ? 1 : node.weight
      if (weight === 0) continue
      const own = this.#accountOf(node, weight)
      own.credit += weight
      if (account === undefined || own.credit > account.credit) {
        richest = node
        account = own
      }
    }
    if (account !== undefined) account.credit -= total
    return richest
  }

  partsOf({ weight }: Node): PickParts {
    return { weight }
  }

  #accountOf(node: Node, weight: number): { credit: number } {
    const known = this.#accounts.get(node)
    if (known !== undefined) return known
    // Somewhere within one turn: clients that started together would otherwise all begin with the heaviest node.
    const account = { credit: this.#random() * weight }
    this.#accounts.set(node, account)
    return account
  }
}
