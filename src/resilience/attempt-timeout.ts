import { MeshError } from '../base/errors.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import type { Attempt } from '../call/call.js'
import { Cancellation } from '../call/cancellation.js'
import { addressOf } from '../call/endpoint.js'
import type { Layer } from '../call/layer.js'

/** A third of a call's 15 s, so that the first try leaves time for two more. */
export const attemptTimeoutDefaults = Object.freeze({ attemptTimeoutMs: 5_000 })

/** Gives up an attempt that brings no response headers in time; the body has the call's time. */
export function attemptTimeout({ wheel }: { readonly wheel: TimerWheel }): Layer<Attempt> {
  return (next) => (attempt) => {
    const { attemptTimeoutMs, timeoutMs } = attempt.call
    // The call's own deadline comes first: a second timer could only agree.
    if (attemptTimeoutMs >= timeoutMs) return next(attempt)
    const own = new Cancellation()
    // Both end with the call, so that nothing is to be taken back.
    attempt.cancellation.subscribe((reason) => own.cancel(reason))
    const timer = wheel.after(attemptTimeoutMs, () => own.cancel(timeoutError(attempt)))
    return next({ ...attempt, cancellation: own }).then(
      (reply) => {
        timer.cancel()
        return reply
      },
      (error: Error) => {
        timer.cancel()
        throw error
      },
    )
  }
}

function timeoutError({ call, endpoint }: Attempt): MeshError {
  const { service, resends, attemptTimeoutMs } = call
  const message = `${service}: ${addressOf(endpoint)} sent no response headers within attemptTimeoutMs of ${attemptTimeoutMs}`
  return new MeshError('MESH_ERR_ATTEMPT_TIMEOUT', message, {
    service,
    endpoint: endpoint.id,
    attempts: resends + 1,
    processed: 'maybe',
  })
}
