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
  // Weight 0 means none, unless there is nothing else: then all are equal.
  const hasWeight = known.some((node) => isReady(node) && node.weight > 0)
  const weightOf = (node: Node): number => (hasWeight ? node.weight : 1)
  const groups = tiersOf(known).flatMap((tier) => groupsOf(tier, mode === 'off' ? NOWHERE : here, weightOf))

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

/** The nodes of each priority, the lowest number first. */
function tiersOf(nodes: readonly Node[]): readonly (readonly Node[])[] {
  const tiers = new Map<number, Node[]>()
  for (const node of nodes) {
    const tier = tiers.get(node.endpoint.priority)
    if (tier === undefined) tiers.set(node.endpoint.priority, [node])
    else tier.push(node)
  }
  return [...tiers].sort(([a], [b]) => a - b).map(([, tier]) => tier)
}

function groupsOf(tier: readonly Node[], here: Place, weightOf: (node: Node) => number): readonly Group[] {
  const near: Record<Proximity, Node[]> = { zone: [], region: [], elsewhere: [] }
  for (const node of tier) if (weightOf(node) > 0) near[proximityOf(node.endpoint, here)].push(node)
  const weigh = (nodes: readonly Node[]): number => nodes.reduce((sum, node) => sum + weightOf(node), 0)
  return PROXIMITIES.flatMap((proximity) => {
    const nodes = near[proximity].filter(isReady)
    if (nodes.length === 0) return []
    const knownWeight = weigh(near[proximity])
    const neededWeight = proximity === 'zone' ? Math.max(knownWeight, evenShare(tier, here, weigh)) : knownWeight
    return [{ priority: nodes[0]!.endpoint.priority, proximity, nodes, readyWeight: weigh(nodes), neededWeight }]
  })
}

/**
 * What one zone has to serve when callers are spread evenly over the zones of the region. How they really are nobody here
 * knows; but a zone with one endpoint of twenty must not serve a third of the calls with it.
 */
function evenShare(tier: readonly Node[], here: Place, weigh: (nodes: readonly Node[]) => number): number {
  const around = tier.filter(({ endpoint }) => endpoint.zone !== undefined && !isAbroad(endpoint, here))
  return weigh(around.filter(isReady)) / new Set(around.map(({ endpoint }) => endpoint.zone)).size
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

function isReady({ state }: Node): boolean {
  return state === 'ready'
}
