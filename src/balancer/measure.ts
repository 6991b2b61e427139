import type { Attempt } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import type { Fleet } from './fleet.js'
import type { Node } from './node.js'

/** Is told of each attempt that is over, its body included: when it began, and its status or what went wrong, or both. */
export type AttemptOver = (attempt: Attempt, startedAtMs: number, status: number | undefined, error: Error | undefined) => void

/**
 * Tells the fleet how an attempt goes: in flight until the end of the body, latency to the response headers, and success when
 * the whole body has come. What it has measured it hands on, so that nobody has to measure it again.
 */
export function measure(node: Node, fleet: Fleet, over: AttemptOver = () => {}): Layer<Attempt> {
  return (next) => (attempt) => {
    const flight = fleet.begin(node)
    return next(attempt).then(
      (reply) => {
        const outcome = fleet.answered(flight, reply)
        void reply.done.then(({ error }) => {
          fleet.ended(flight, outcome, error)
          over(attempt, flight.startedAtMs, reply.status, error)
        })
        return reply
      },
      (error: Error) => {
        fleet.failed(flight, error)
        over(attempt, flight.startedAtMs, undefined, error)
        throw error
      },
    )
  }
}
