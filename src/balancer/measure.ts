import type { Clock } from '../base/clock.js'
import type { Attempt } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { outcomeOf, type Outcome } from '../call/outcome.js'
import type { Node } from './node.js'

/**
 * Tells a node how it is doing: in flight until the end of the body, latency to the response headers, and success when
 * the whole body has come. What says nothing about the endpoint, such as a caller who hung up, leaves no other trace.
 */
export function measure(node: Node, { clock }: { readonly clock: Clock }): Layer<Attempt> {
  const failed = (outcome: Outcome, latencyMs: number, nowMs: number): void => {
    if (outcome.kind !== 'failure') return
    node.latency.observeFailure(latencyMs, nowMs)
    node.success.observe(false, nowMs)
  }
  return (next) => (attempt) => {
    const startedAtMs = clock.now()
    node.begin()
    return next(attempt).then(
      (reply) => {
        const nowMs = clock.now()
        const outcome = outcomeOf(reply)
        if (outcome.kind === 'success') node.latency.observe(nowMs - startedAtMs, nowMs)
        else failed(outcome, nowMs - startedAtMs, nowMs)
        void reply.done.then(({ error }) => {
          node.end()
          if (outcome.kind !== 'success') return
          // A body cut short is a failure of the endpoint too, whatever its status line promised.
          const kind = error === undefined ? 'success' : outcomeOf(error).kind
          if (kind !== 'ignored') node.success.observe(kind === 'success', clock.now())
        })
        return reply
      },
      (error: Error) => {
        const nowMs = clock.now()
        node.end()
        failed(outcomeOf(error), nowMs - startedAtMs, nowMs)
        throw error
      },
    )
  }
}
