import type { Random } from '../base/random.js'
import type { Node } from './node.js'

/** How near the endpoints of a level are: in the caller's zone, in its region, or not known to be near. */
export type Proximity = 'zone' | 'region' | 'elsewhere'

/** Endpoints among which only the picker chooses: of one priority, and equally near. */
export interface Level {
  readonly priority: number
  readonly proximity: Proximity
  /** Share of the calls that go here, 0–1; the shares of all levels make 1. One without a share takes what others leave. */
  readonly share: number
  /** What may be picked; never empty. */
  readonly nodes: readonly Node[]
}

/**
 * What a picker may choose from: one level, by lot according to the shares, without the nodes that were tried; if that
 * leaves none, the untried ones of the first level that has any; if all were tried, the whole level.
 */
export function candidates(levels: readonly Level[], tried: readonly string[], random: Random): readonly Node[] {
  const level = byLot(levels, random)
  if (level === undefined) return []
  if (tried.length === 0) return level.nodes
  for (const { nodes } of [level, ...levels]) {
    const untried = nodes.filter(({ id }) => !tried.includes(id))
    if (untried.length > 0) return untried
  }
  return level.nodes
}

/**
 * What is left to choose from when the one that was picked of `offered` has no room for another attempt: those with room, untried
 * ones first, of what was offered before all others. Empty when nobody has room.
 */
export function withRoom(offered: readonly Node[], levels: readonly Level[], tried: readonly string[], maxInFlight: number): readonly Node[] {
  for (const nodes of [offered, ...levels.map((level) => level.nodes)]) {
    const free = nodes.filter(({ id, inFlight }) => inFlight < maxInFlight && !tried.includes(id))
    if (free.length > 0) return free
  }
  return levels.flatMap(({ nodes }) => nodes.filter(({ inFlight }) => inFlight < maxInFlight))
}

function byLot(levels: readonly Level[], random: Random): Level | undefined {
  if (levels.length <= 1) return levels[0]
  let lot = random()
  for (const level of levels) {
    lot -= level.share
    if (lot < 0) return level
  }
  // Shares that make 1 only nearly: the first level has one for certain.
  return levels[0]
}
