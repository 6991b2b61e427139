import type { Clock } from '../base/clock.js'
import type { Attempt } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { DRAINING_HEADER } from '../call/outcome.js'
import type { Node } from './node.js'

/**
 * How long the registry is given to say the same. One that has gone and come back under its old address, unnoticed by the
 * registry, is not called for so long.
 */
const ASIDE_MS = 15_000

/**
 * Sets an endpoint aside as soon as it says, with an answer or a refusal, that it is about to go. The registry says so
 * too, but later; and one that refuses is the fastest of all, which would draw calls to it.
 */
export function goodbye(node: Node, { clock }: { readonly clock: Clock }): Layer<Attempt> {
  return (next) => (attempt) =>
    next(attempt).then((reply) => {
      if (reply.headers[DRAINING_HEADER] !== undefined) node.setAside(ASIDE_MS, clock)
      return reply
    })
}
