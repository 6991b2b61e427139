import type { Place } from '../call/endpoint.js'
import type { LocalityPolicy } from '../call/policy.js'
import type { Level, Proximity } from './level.js'
import type { Node } from './node.js'

export const localityDefaults: LocalityPolicy = Object.freeze({ mode: 'prefer', overprovisioning: 1.4 })

const NOWHERE: Place = Object.freeze({ zone: undefined, region: undefined })

/**
 * Sorts nodes into levels, by priority and then from near to far, and gives each level the share of the calls that it has
 * the capacity for; what is left goes on to the next. Capacity is the ready weight times `overprovisioning`, over the
 * weight that it takes to serve all calls: at 1.4 a level keeps them all until less than 71 % of it are ready
 * ({@link https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/priority | Envoy, Priority levels}).
 */
export function levelsOf(known: readonly Node[], here: Place, { mode, overprovisioning }: LocalityPolicy): readonly Level[] {
  const from = mode === 'off' ? NOWHERE : here
  const hasWeight = known.some(({ state, weight }) => state === 'ready' && weight > 0)
  const tiers = new Map<number, Tier>()
  for (const node of known) {
    const { priority } = node.endpoint
    const tier = tiers.get(priority) ?? new Tier(priority, from)
    tiers.set(priority, tier)
    // Weight 0 means none, unless there is nothing else: then all are equal.
    tier.add(node, hasWeight ? node.weight : 1)
  }
  const groups = [...tiers.values()].sort((a, b) => a.priority - b.priority).flatMap((tier) => tier.groups)

  let left = 1
  const taken = groups.map(({ readyWeight, neededWeight }) => {
    const share = Math.min(left, (overprovisioning * readyWeight) / neededWeight)
    left -= share
    return share
  })
  // If all of them together have not the capacity, each is overloaded by as much as the others.
  const all = taken.reduce((sum, share) => sum + share, 0)
  return groups.map(({ priority, proximity, nodes }, i) => ({ priority, proximity, share: taken[i]! / all, nodes }))
}

/** Nodes that will be a level. */
class Group {
  readonly nodes: Node[] = []
  readyWeight = 0
  /** What it takes to serve every call that would like to come here. */
  neededWeight = 0

  constructor(
    readonly priority: number,
    readonly proximity: Proximity,
  ) {}
}

/** The nodes of one priority, as they lie around the caller. */
class Tier {
  readonly priority: number
  readonly #here: Place
  readonly #zone: Group
  readonly #region: Group
  readonly #elsewhere: Group
  /** Zones among which callers may choose without leaving the region, and what is ready in them. */
  readonly #zones = new Set<string>()
  #zonesReadyWeight = 0

  constructor(priority: number, here: Place) {
    this.priority = priority
    this.#here = here
    this.#zone = new Group(priority, 'zone')
    this.#region = new Group(priority, 'region')
    this.#elsewhere = new Group(priority, 'elsewhere')
  }

  add(node: Node, weight: number): void {
    if (weight === 0) return
    const { endpoint, state } = node
    const isAbroad = differ(endpoint.region, this.#here.region)
    const group = isAbroad ? this.#elsewhere : this.#groupWithinReach(endpoint)
    group.neededWeight += weight
    if (!isAbroad && endpoint.zone !== undefined) this.#zones.add(endpoint.zone)
    if (state !== 'ready') return
    group.nodes.push(node)
    group.readyWeight += weight
    if (!isAbroad && endpoint.zone !== undefined) this.#zonesReadyWeight += weight
  }

  /** Those that have something ready, from near to far. */
  get groups(): readonly Group[] {
    // How the callers are spread over the zones nobody here knows. Evenly is assumed, so that a zone that has one of
    // twenty endpoints does not serve a third of the calls with it.
    this.#zone.neededWeight = Math.max(this.#zone.neededWeight, this.#zonesReadyWeight / this.#zones.size)
    return [this.#zone, this.#region, this.#elsewhere].filter(({ nodes }) => nodes.length > 0)
  }

  #groupWithinReach({ zone, region }: Place): Group {
    if (zone !== undefined && zone === this.#here.zone) return this.#zone
    return region !== undefined && region === this.#here.region ? this.#region : this.#elsewhere
  }
}

/** Whether both are known and not the same. */
function differ(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a !== b
}
