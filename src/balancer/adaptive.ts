import type { Clock } from '../base/clock.js'
import { Lots, type Random } from '../base/random.js'
import type { PickParts } from '../call/pick.js'
import type { Node } from './node.js'
import { scorePartsAt, unitCostMs, type Standard } from './score.js'

/** What changes with time alone is reckoned anew this often; what changes by an answer, at once. */
const COST_LIFETIME_MS = 10
/** Beyond this number of nodes a sample is looked at. */
const MOST_SCANNED = 500
const SAMPLE = 32
/** A second request to one that never answered is this much dearer: the first one may well show that it cannot. */
const UNHEARD_FACTOR = 1_000
/** One pick in so many goes to the node that has been idle longest, if that is long. */
const EXPLORE_EVERY = 200
const EXPLORE_IDLE_MS = 30_000

/**
 * Where one more request is likely to be answered soonest: the least `latency × (in flight + 1) / success³ / ramp / weight ×
 * report` of all, by lot among equals. Latency is a mean that fades into the fleet's when it is old, and the age of the oldest
 * unanswered attempt when that is longer; docs/balancing.md has the rule with its reasons and figures.
 *
 * No node starves: one pick in 200 is for the node that was idle longest, once that is 30 s.
 */
export class AdaptivePicker {
  readonly #lots: Lots
  readonly #clock: Clock
  readonly #standard: Standard
  #picks = 0

  constructor({ random, clock, standard }: { readonly random: Random; readonly clock: Clock; readonly standard: Standard }) {
    this.#lots = new Lots(random)
    this.#clock = clock
    this.#standard = standard
  }

  pick(nodes: readonly Node[]): Node | undefined {
    const nowMs = this.#clock.now()
    this.#picks++
    if (this.#picks % EXPLORE_EVERY === 0) {
      const idle = longestIdle(nodes)
      if (idle !== undefined && nowMs - idle.usedAtMs >= EXPLORE_IDLE_MS) return idle
    }
    return nodes.length > MOST_SCANNED ? this.#cheapestOfSample(nodes, nowMs) : this.#cheapest(nodes, nowMs)
  }

  #cheapest(nodes: readonly Node[], nowMs: number): Node | undefined {
    let cheapest: Node | undefined
    let leastMs = Infinity
    let equals = 0
    // By index: the loop of a list's iterator takes half as long again, and this is the one that every call goes through.
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!
      const costMs = this.costMs(node, nowMs)
      if (costMs > leastMs) continue
      equals = costMs === leastMs ? equals + 1 : 1
      cheapest = node
      leastMs = costMs
    }
    if (equals <= 1) return cheapest
    let lot = this.#lots.below(equals)
    for (const node of nodes) if (this.costMs(node, nowMs) === leastMs && lot-- === 0) return node
    return cheapest
  }

  /** Who is among them is a matter of lots already, so the first of equals may have it. */
  #cheapestOfSample(nodes: readonly Node[], nowMs: number): Node | undefined {
    let cheapest: Node | undefined
    let leastMs = Infinity
    for (let i = 0; i < SAMPLE; i++) {
      const node = nodes[this.#lots.below(nodes.length)]!
      const costMs = this.costMs(node, nowMs)
      if (costMs >= leastMs) continue
      cheapest = node
      leastMs = costMs
    }
    return cheapest
  }

  /** What one more request costs at a node, in milliseconds. */
  costMs(node: Node, nowMs: number): number {
    if (nowMs >= node.costUntilMs) this.#reckon(node, nowMs)
    return node.unitCostMs * (node.inFlight + 1)
  }

  partsOf(node: Node, nowMs: number): PickParts {
    const { success, ...parts } = scorePartsAt(nowMs, node, this.#standard)
    return { costMs: this.costMs(node, nowMs), successRatio: success, ...parts }
  }

  #reckon(node: Node, nowMs: number): void {
    const unheard = node.latency.samples === 0 && node.inFlight > 0
    node.unitCostMs = unitCostMs(scorePartsAt(nowMs, node, this.#standard)) * (unheard ? UNHEARD_FACTOR : 1)
    node.costUntilMs = nowMs + COST_LIFETIME_MS
  }
}

function longestIdle(nodes: readonly Node[]): Node | undefined {
  let longest: Node | undefined
  for (const node of nodes) if (longest === undefined || node.usedAtMs < longest.usedAtMs) longest = node
  return longest
}
