import { hash32, mix32 } from '../base/hash.js'
import type { SubsetPolicy } from '../call/policy.js'
import type { Level } from './level.js'
import type { Node } from './node.js'

export const subsetDefaults: SubsetPolicy = Object.freeze({ size: 0 })

/**
 * Leaves of each level the part that this client calls, so that a nearer one is never cut away for the sake of a farther
 * one: the `size` nodes that rank lowest by a hash of client and endpoint (rendezvous hashing, Thaler and Ravishankar
 * 1998; gRPC A68). Each client has its own part, and an endpoint that comes or goes changes one place in those that have it.
 */
export function subsetLevels(levels: readonly Level[], { size }: SubsetPolicy, clientId: string): readonly Level[] {
  if (size === 0 || levels.every(({ nodes }) => nodes.length <= size)) return levels
  const client = hash32(clientId)
  return levels.map((level) => ({ ...level, nodes: lowest(level.nodes, size, client) }))
}

function lowest(nodes: readonly Node[], size: number, client: number): readonly Node[] {
  if (nodes.length <= size) return nodes
  const ranks = new Uint32Array(nodes.length)
  nodes.forEach(({ id }, i) => (ranks[i] = mix32(hash32(id) ^ client)))
  const last = ranks.slice().sort()[size - 1]!
  // By rank and not by place in the list; of two that tie for the last place, which is rare, both stay.
  return nodes.filter((_, i) => ranks[i]! <= last)
}
