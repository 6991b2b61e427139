import { MeshError } from '../base/errors.js'
import type { TimerWheel } from '../base/timer-wheel.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'

export const deadlineDefaults = Object.freeze({ timeoutMs: 15_000 })

/**
 * One budget of time for the whole call, all attempts and the body included. When it is spent the stages below are told
 * through the call's cancellation, and bring their own account of it; one that does not is waited for no longer.
 */
export function deadline({ wheel }: { readonly wheel: TimerWheel }): Layer<Call> {
  return (next) => (call) => {
    if (call.timeoutMs === Infinity) return next(call)
    return new Promise((resolve, reject) => {
      let over: Error | undefined
      let timer = wheel.after(call.timeoutMs, () => {
        const spent = deadlineError(call)
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

function deadlineError({ service, method, timeoutMs }: Call): MeshError {
  return new MeshError('MESH_ERR_DEADLINE', `${service}: ${method} was not done within its timeoutMs of ${timeoutMs}`, {
    service,
    processed: 'maybe',
  })
}
