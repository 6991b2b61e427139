import { MeshError } from '../base/errors.js'
import type { Ambient } from '../call/ambient.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'

/**
 * Gives up the calls that a request has caused when its caller hangs up before it is answered. It listens for as long as the
 * call lasts, its body included, so that a request that makes calls for hours holds on to none of them.
 */
export function inheritedCancellation({ ambient }: { readonly ambient: Ambient }): Layer<Call> {
  return (next) => (call) => {
    const caller = ambient.current?.cancellation
    if (caller === undefined) return next(call)
    if (caller.reason !== undefined) return Promise.reject(givenUp(call, caller.reason, 'no'))
    const hangUp = (reason: Error): void => call.cancellation.cancel(givenUp(call, reason, 'maybe'))
    caller.subscribe(hangUp)
    return next(call).then(
      (reply) => {
        void reply.done.then(() => caller.unsubscribe(hangUp))
        return reply
      },
      (error: Error) => {
        caller.unsubscribe(hangUp)
        throw error
      },
    )
  }
}

function givenUp({ service }: Call, cause: Error, processed: 'no' | 'maybe'): MeshError {
  return new MeshError('MESH_ERR_ABORTED', `${service}: given up, since the caller of the request that makes this call has hung up`, {
    service,
    processed,
    cause,
  })
}
