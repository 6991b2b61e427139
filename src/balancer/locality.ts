import type { Place } from '../call/endpoint.js'
import type { LocalityPolicy } from '../call/policy.js'
import type { Level, Proximity } from './level.js'
import type { Node } from './node.js'

export const localityDefaults: LocalityPolicy = Object.freeze({ mode: 'prefer', overprovisioning: 1.4 })

const PROXIMITIES: readonly Proximity[] = ['zone', 'region', 'elsewhere']
const NOWHERE: Place = Object.freeze({ zone: undefined, region: undefined })

/**
 * Sorts nodes into levels, by priority and then from near to far, and gives each level the share of the calls that it has
 * the capacity for; what is left goes on to the next. Capacity is the ready weight times `overprovisioning`, over the
 * weight that is needed: at 1.4 a level keeps all its calls until less than 71 % of it are ready
 * ({@link https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority | Envoy, Priority levels}).
 */
export function levelsOf(known: readonly Node[], here: Place, { mode, overprovisioning }: LocalityPolicy): readonly Level[] {
  const place = mode === 'off' ? NOWHERE : here
  const weighty = groupsOf(known, place, ({ weight }) => weight)
  // Weight 0 means none, unless there is nothing else: then all are equal.
  const groups = weighty.length > 0 ? weighty : groupsOf(known, place, () => 1)

  let left = 1
  const taken = groups.map(({ readyWeight, neededWeight }) => {
    const share = Math.min(left, (overprovisioning * readyWeight) / neededWeight)
    left -= share
    return share
  })
  // When all together have not the capacity, they share what is too much.
  const all = taken.reduce((sum, share) => sum + share, 0)
  return groups.map(({ priority, proximity, nodes }, i) => ({ priority, proximity, share: taken[i]! / all, nodes }))
}

/** Nodes that will be a level once it is known what the others can take. */
interface Group extends Omit<Level, 'share'> {
  readonly readyWeight: number
  /** What it takes to serve every call that would like to come here. */
  readonly neededWeight: number
}

/** Those that have anything to pick, the lowest priority number and the nearest first. */
function groupsOf(known: readonly Node[], here: Place, weightOf: (node: Node) => number): readonly Group[] {
  const tiers = new Map<number, Tier>()
  // A single pass, since there may be ten thousand: every node is looked at once and by nobody else.
  for (const node of known) {
    const { priority } = node.endpoint
    let tier = tiers.get(priority)
    if (tier === undefined) tiers.set(priority, (tier = new Tier(priority, here)))
    tier.add(node, weightOf(node))
  }
  return [...tiers.values()].sort((a, b) => a.priority - b.priority).flatMap((tier) => tier.groups())
}

/** The nodes of one priority, sorted by how near they are. */
class Tier {
  readonly priority: number
  readonly #here: Place
  readonly #near: Readonly<Record<Proximity, { readonly nodes: Node[]; readyWeight: number; knownWeight: number }>>
  /** The zones of the region, and the ready weight in them. */
  readonly #zones = new Set<string>()
  #zonesWeight = 0

  constructor(priority: number, here: Place) {
    const empty = () => ({ nodes: [], readyWeight: 0, knownWeight: 0 })
    this.priority = priority
    this.#here = here
    this.#near = { zone: empty(), region: empty(), elsewhere: empty() }
  }

  add(node: Node, weight: number): void {
    const { endpoint } = node
    const isReady = node.state === 'ready'
    // Only who knows its own zone has to share it.
    if (this.#here.zone !== undefined && endpoint.zone !== undefined && !isAbroad(endpoint, this.#here)) {
      this.#zones.add(endpoint.zone)
      if (isReady) this.#zonesWeight += weight
    }
    if (weight === 0) return
    const near = this.#near[proximityOf(endpoint, this.#here)]
    near.knownWeight += weight
    if (!isReady) return
    near.readyWeight += weight
    near.nodes.push(node)
  }

  groups(): readonly Group[] {
    return PROXIMITIES.flatMap((proximity) => {
      const { nodes, readyWeight, knownWeight } = this.#near[proximity]
      if (nodes.length === 0) return []
      // What one zone has to serve when callers are spread evenly over the zones of the region. How they really are nobody
      // here knows; but a zone with one endpoint of twenty must not serve a third of the calls with it.
      const neededWeight = proximity === 'zone' ? Math.max(knownWeight, this.#zonesWeight / this.#zones.size) : knownWeight
      return [{ priority: this.priority, proximity, nodes, readyWeight, neededWeight }]
    })
  }
}

function proximityOf(there: Place, here: Place): Proximity {
  if (isAbroad(there, here)) return 'elsewhere'
  if (there.zone !== undefined && there.zone === here.zone) return 'zone'
  return there.region !== undefined && there.region === here.region ? 'region' : 'elsewhere'
}

/** Whether it is known to be in another region: zones of one name are then not the same. */
function isAbroad(there: Place, here: Place): boolean {
  return there.region !== undefined && here.region !== undefined && there.region !== here.region
}
