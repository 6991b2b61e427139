import { MeshError, type Processed } from '../base/errors.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'

export const deadlineDefaults = Object.freeze({ timeoutMs: 15_000 })

/** So much of the time of a caller's caller is kept back, at most: the shared timer is up to 10 ms late, and the answer has to be written and sent. */
const MARGIN_MS = 15
/** And of a short time at most this share, so that it is not all kept back. */
const MARGIN_RATIO = 0.1

/**
 * What a call may take of the time for which the caller of the request that makes it still waits: a little less than all of
 * it, so that a call that fails for want of time fails early enough to be answered for.
 */
export function inheritedTimeoutMs(leftMs: number): number {
  return leftMs === Infinity ? leftMs : leftMs - Math.min(MARGIN_MS, Math.max(0, leftMs) * MARGIN_RATIO)
}

/**
 * One budget of time for the whole call, all attempts and the body included. When it is spent the stages below are told
 * through the call's cancellation, and bring their own account of it; one that does not is waited for no longer.
 */
export function deadline({ wheel }: { readonly wheel: TimerWheel }): Layer<Call> {
  return (next) => (call) => {
    if (call.timeoutMs === Infinity) return next(call)
    // Inherited from a caller whose own time is over: nobody would be there for the answer.
    if (call.timeoutMs <= 0) return Promise.reject(deadlineError(call, 'no'))
    return new Promise((resolve, reject) => {
      let over: Error | undefined
      let timer = wheel.after(call.timeoutMs, () => {
        const spent = deadlineError(call, 'maybe')
        call.cancellation.cancel(spent)
        timer = wheel.after(0, () => reject((over = spent)))
      })
      next(call).then(
        (reply) => {
          // Nobody waits for a reply that comes after the end.
          if (over !== undefined) return reply.cancel(over)
          void reply.done.then(() => timer.cancel())
          resolve(reply)
        },
        (error: Error) => {
          timer.cancel()
          reject(error)
        },
      )
    })
  }
}

function deadlineError({ service, method, timeoutMs }: Call, processed: Processed): MeshError {
  const message =
    processed === 'no'
      ? `${service}: ${method} was not sent, since the time for it was over before it began`
      : `${service}: ${method} was not done within its timeoutMs of ${Number(timeoutMs.toFixed(1))}`
  return new MeshError('MESH_ERR_DEADLINE', message, { service, processed })
}
