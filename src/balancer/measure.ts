import type { Attempt } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import type { Fleet } from './fleet.js'
import type { Node } from './node.js'

/**
 * Tells the fleet how an attempt goes: in flight until the end of the body, latency to the response headers, and success when
 * the whole body has come.
 */
export function measure(node: Node, fleet: Fleet): Layer<Attempt> {
  return (next) => (attempt) => {
    const flight = fleet.begin(node)
    return next(attempt).then(
      (reply) => {
        const outcome = fleet.answered(flight, reply)
        void reply.done.then(({ error }) => fleet.ended(flight, outcome, error))
        return reply
      },
      (error: Error) => {
        fleet.failed(flight, error)
        throw error
      },
    )
  }
}
