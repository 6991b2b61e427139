import { MeshError } from '../base/errors.js'
import { isReplayable } from '../call/body.js'
import type { Call } from '../call/call.js'
import type { Events } from '../call/events.js'
import type { Layer } from '../call/layer.js'
import { outcomeOf } from '../call/outcome.js'
import type { RetryPolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'

export const retryDefaults: RetryPolicy = Object.freeze({ maxResends: 2 })

export interface RetryOptions extends RetryPolicy {
  readonly events: Events
}

/** Methods that do the same when they are done twice (RFC 9110 §9.2.2; QUERY by its own specification). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'TRACE'])

/**
 * Sends a failed call again, to another endpoint while there is one, where that can do no harm: the request never
 * reached the service, or was refused before any work, or its connection broke before an answer and doing it twice is the
 * same as doing it once.
 */
export function retry({ maxResends, events }: RetryOptions): Layer<Call> {
  return (next) => async (first) => {
    let call = first
    for (;;) {
      let failure: MeshError
      try {
        const reply = await next(call)
        if (!isRefusal(reply) || !mayGoAgain(call, maxResends)) return reply
        failure = refusalError(reply, call)
        reply.cancel(failure)
      } catch (error) {
        if (!(error instanceof MeshError)) throw error
        failure = accounted(error, call)
        if (!isSafe(error, call.method) || !mayGoAgain(call, maxResends)) throw failure
      }
      call = { ...call, resends: call.resends + 1 }
      if (events.heard('retried')) events.emit('retried', { service: call.service, resends: call.resends, error: failure })
    }
  }
}

function isRefusal(reply: Reply): boolean {
  const outcome = outcomeOf(reply)
  return outcome.kind === 'failure' && outcome.processed === 'no'
}

function isSafe(error: MeshError, method: string): boolean {
  const { kind, processed } = outcomeOf(error)
  if (kind !== 'failure') return false
  return processed === 'no' || (processed === 'maybe' && error.code === 'MESH_ERR_CONNECTION' && IDEMPOTENT.has(method))
}

function mayGoAgain(call: Call, maxResends: number): boolean {
  return call.resends < maxResends && call.cancellation.reason === undefined && isReplayable(call.body)
}

function refusalError({ endpoint, status }: Reply, { service, resends }: Call): MeshError {
  return new MeshError('MESH_ERR_RESPONSE', `${service}: ${endpoint.id} refused with ${status} before any work`, {
    service,
    endpoint: endpoint.id,
    attempts: resends + 1,
  })
}

/** The error with the number of attempts; a cancellation is made above this stage, where nobody has counted. */
function accounted(error: MeshError, { cancellation, resends }: Call): MeshError {
  const attempts = error === cancellation.reason ? resends + 1 : Math.max(error.attempts, resends)
  if (attempts === error.attempts) return error
  const { code, message, service, endpoint, processed, cause } = error
  return new MeshError(code, message, { service, endpoint, attempts, processed, cause })
}
