import { hash32, mix32 } from '../base/hash.js'
import type { Call } from '../call/call.js'
import { headerValue } from '../call/headers.js'
import type { PickParts } from '../call/pick.js'
import type { BalancerPolicy } from '../call/policy.js'
import type { Node } from './node.js'

/** An endpoint takes up to this many times the mean of what is in flight … */
const BOUND = 1.25
/** … and always this much: a mean of a few requests bounds nothing. */
const FREE_IN_FLIGHT = 8

/**
 * The same endpoint for the same key, which is the value of a header field or a cookie, or the path. Each node ranks by a hash
 * of key and node, in proportion to its weight (rendezvous hashing, Thaler and Ravishankar 1998), and the highest is picked that
 * is not loaded beyond its bound (consistent hashing with bounded loads, Mirrokni, Thorup and Zadimoghaddam 2016). That is a ring
 * of infinitely many points: there is none to be built, the spread is even, and one that comes or goes moves only what is its own.
 */
export class RingHashPicker {
  readonly #header: string
  readonly #cookie: string
  // Weak, so that a node that has gone takes its hash along.
  readonly #hashes = new WeakMap<Node, number>()

  constructor({ hashHeader, hashCookie }: Pick<BalancerPolicy, 'hashHeader' | 'hashCookie'>) {
    this.#header = hashHeader
    this.#cookie = hashCookie
  }

  pick(nodes: readonly Node[], call: Call): Node | undefined {
    // Seeded by the service: who is unlucky in one is not so in all.
    const key = mix32(hash32(this.#keyOf(call)) ^ hash32(call.service))
    let inFlight = 1
    for (const node of nodes) inFlight += node.inFlight
    const most = Math.max(FREE_IN_FLIGHT, Math.ceil((BOUND * inFlight) / nodes.length))

    let highest: Node | undefined
    let highestRank = -Infinity
    for (const node of nodes) {
      if (node.inFlight >= most) continue
      const rank = rankOf(mix32(this.#hashOf(node) ^ key), node.weight)
      if (rank > highestRank || highest === undefined) {
        highest = node
        highestRank = rank
      }
    }
    return highest
  }

  partsOf({ weight }: Node): PickParts {
    return { weight }
  }

  #keyOf({ headers, path }: Call): string {
    const field = this.#header === '' ? undefined : headerValue(headers, this.#header)
    if (field !== undefined) return field
    return (this.#cookie === '' ? undefined : cookieValue(headerValue(headers, 'cookie'), this.#cookie)) ?? path
  }

  #hashOf(node: Node): number {
    let hash = this.#hashes.get(node)
    if (hash === undefined) this.#hashes.set(node, (hash = hash32(node.id)))
    return hash
  }
}

/** Wins as often as the weight says: −ln of an even number is exponential, and the least of several goes by their rates. */
function rankOf(hash: number, weight: number): number {
  return Math.log((hash + 1) / 0x1_0000_0001) / weight
}

function cookieValue(cookies: string | undefined, name: string): string | undefined {
  for (const pair of cookies?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}
