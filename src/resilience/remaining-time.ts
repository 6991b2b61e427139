import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { withHeader } from '../call/headers.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { outcomeOf } from '../call/outcome.js'
import { TIMEOUT_HEADER } from './inbound-deadline.js'
import type { RecentMinimum } from './recent-minimum.js'

/**
 * Tells the called service how long its caller will still wait, so that it starts no work that nobody will see. A try that
 * has less time left than the service's fastest answer of late takes is not sent at all.
 */
export function remainingTime({ clock, minimum }: { readonly clock: Clock; readonly minimum: RecentMinimum }): Layer<Call> {
  return (next) => (call) => {
    const triedAt = clock.now()
    const leftMs = call.startedAt + call.timeoutMs - triedAt
    // Less than a millisecond would be written as none.
    if (leftMs < 1 || !minimum.suffices(leftMs, triedAt)) return Promise.reject(tooLate(call, leftMs, minimum.at(triedAt)))
    return next(leftMs === Infinity ? call : told(call, leftMs)).then((reply) => {
      // Only a success shows how long the work takes; a refusal is quick.
      if (outcomeOf(reply).kind === 'success') {
        const answeredAt = clock.now()
        minimum.observe(answeredAt - triedAt, answeredAt)
      }
      return reply
    })
  }
}

function told(call: Call, leftMs: number): Call {
  return { ...call, headers: withHeader(call.headers, TIMEOUT_HEADER, String(Math.floor(leftMs))) }
}

function tooLate({ service, method, resends }: Call, leftMs: number, minimumMs: number): MeshError {
  const left = Math.max(0, leftMs).toFixed(1)
  const message =
    leftMs < 1
      ? `${service}: ${method} was not sent, since ${left} ms of its time are left`
      : `${service}: ${method} was not sent, since ${left} ms of its time are left and no answer has lately come in under ${minimumMs.toFixed(1)} ms`
  // What was sent before may have been acted on.
  return new MeshError('MESH_ERR_DEADLINE', message, { service, attempts: resends, processed: resends === 0 ? 'no' : 'maybe' })
}
