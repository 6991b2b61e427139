import { isReplayable } from '../call/body.js'
import type { Call } from '../call/call.js'
import { withHeader } from '../call/headers.js'
import type { Layer } from '../call/layer.js'
import { OFFER_HEADER, SPILLED_HEADER } from '../call/outcome.js'
import type { SpillPolicy } from '../call/policy.js'
import type { Fleet } from './fleet.js'

export const spillDefaults: SpillPolicy = Object.freeze({ maxOffers: 0 })

/**
 * Offers a call, before it is sent for good: an endpoint of ours that would have to queue it, when others are probably freer, refuses
 * at once, and it goes to the next best. No probes, and nothing on the way of a call that is taken but a header field. The last
 * one gets it without being asked.
 */
export function offer(fleet: Fleet, { maxOffers }: SpillPolicy): Layer<Call> {
  return (next) => async (call) => {
    for (let left = isReplayable(call.body) ? maxOffers : 0; left > 0; left--) {
      const { priceMs } = fleet.offers
      if (priceMs === 0) break
      const reply = await next({ ...call, headers: withHeader(call.headers, OFFER_HEADER, priceMs.toFixed(1)) })
      if (reply.headers[SPILLED_HEADER] === undefined) return reply
      reply.cancel()
    }
    return next(call)
  }
}
