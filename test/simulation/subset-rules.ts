import { hash32, mix32 } from '../../src/base/hash.js'
import { seededRandom } from '../../src/base/random.js'
import { subsetLevels } from '../../src/balancer/subset.js'
import { nodesOf } from '../balancer/support.js'

/** Which of `ids` a client calls. Only the last rule knows which of all clients it is. */
export type SubsetRule = (ids: readonly string[], size: number, client: { readonly id: string; readonly index: number }) => readonly string[]

/** The product's own. */
const rendezvous: SubsetRule = (ids, size, { id }) => {
  const nodes = nodesOf(...ids.map((id) => ({ id })))
  return subsetLevels([{ priority: 0, proximity: 'elsewhere', share: 1, nodes }], { size }, id)[0]!.nodes.map(({ id }) => id)
}

/** A ring on which endpoints stand at their hash; a client takes the next ones from its own hash on (Finagle's random aperture). */
const ring: SubsetRule = (ids, size, { id }) => {
  const around = [...ids].sort((a, b) => hash32(a) - hash32(b))
  const first = around.findIndex((endpoint) => hash32(endpoint) >= hash32(id))
  return Array.from({ length: size }, (_, i) => around[(Math.max(first, 0) + i) % around.length]!)
}

/** Lists shuffled by lot and cut into pieces, lot and piece by the client's hash. */
const hashedLots: SubsetRule = (ids, size, { id }) => pieceOf(ids, size, hash32(id) % 64, mix32(hash32(id)))

/** The same by the client's number, each piece once in a lot (Rocksteadier, SRE workbook). */
const numberedLots: SubsetRule = (ids, size, { index }) => pieceOf(ids, size, Math.floor(index / Math.floor(ids.length / size)), index)

export const SUBSET_RULES = { rendezvous, ring, hashedLots, numberedLots }

function pieceOf(ids: readonly string[], size: number, lot: number, piece: number): readonly string[] {
  const random = seededRandom(lot)
  const shuffled = [...ids]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const moved = shuffled[i]!
    shuffled[i] = shuffled[j]!
    shuffled[j] = moved
  }
  const from = (piece % Math.floor(ids.length / size)) * size
  return shuffled.slice(from, from + size)
}
