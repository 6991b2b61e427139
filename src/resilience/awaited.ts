import type { Clock } from '../base/clock.js'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'

/** How nginx writes down a caller who has hung up; nobody is sent it. */
export const GONE: InboundReply = Object.freeze({ status: 499, route: undefined, aborted: true, answer: undefined })

/**
 * Gives the application only what somebody still waits for: the stages above may have waited themselves, for keys or for a
 * place.
 */
export function awaited({ clock }: { readonly clock: Clock }): Layer<Inbound, InboundReply> {
  return (next) => (inbound) => {
    const { cancellation, deadlineAt } = inbound
    if (cancellation.reason !== undefined) return Promise.resolve(GONE)
    if (deadlineAt !== Infinity && clock.now() >= deadlineAt) {
      return Promise.reject(new Refusal('MESH_ERR_DEADLINE', "the caller's time was over before the application was reached"))
    }
    return next(inbound)
  }
}
