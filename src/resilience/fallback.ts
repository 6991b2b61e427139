import { MeshError, meshErrorIn, type MeshErrorCode } from '../base/errors.js'
import type { Call } from '../call/call.js'
import type { Events } from '../call/events.js'
import type { Layer } from '../call/layer.js'
import { outcomeOf } from '../call/outcome.js'
import type { Reply } from '../call/reply.js'
import type { Breaker } from './breaker.js'
import { fallbackReply, type FallbackReply } from './fallback-reply.js'

/** The call that failed. */
export interface FailedCall {
  readonly service: string
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** The route that `path` was made from, when known. */
  readonly template: string | undefined
  /** By lower-case names, as the caller gave them. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Answers a call that the breaker refuses, or that has failed for good because of the service; undefined lets the failure
 * stand. So does throwing, which the event `listenerError` tells. How long it takes is its own affair.
 */
export type Fallback = (call: FailedCall, error: MeshError) => FallbackReply | undefined | Promise<FallbackReply | undefined>

export interface FallbackParts {
  readonly answer: Fallback
  readonly breaker: Breaker
  readonly events: Events
}

/** Puts the application's own answer in the place of a failure of the service. */
export function fallback(parts: FallbackParts): Layer<Call> {
  return (next) => async (call) => {
    const result = await next(call).catch((error: Error) => error)
    const failure = failureOf(call, result)
    const substitute = failure && (await substituteFor(call, failure, parts))
    if (substitute === undefined) {
      if (result instanceof Error) throw result
      return result
    }
    if (!(result instanceof Error)) result.cancel(failure)
    return substitute
  }
}

/** Nothing was wrong with the call, and yet nobody answers it. */
const NOBODY_ANSWERS: ReadonlySet<MeshErrorCode> = new Set<MeshErrorCode>([
  'MESH_ERR_BREAKER_OPEN',
  'MESH_ERR_NO_ENDPOINTS',
  'MESH_ERR_NOT_READY',
  'MESH_ERR_DEADLINE',
  'MESH_ERR_LIMIT',
  'MESH_ERR_THROTTLED',
])

/** What the service is to blame for; undefined for everything else, such as a caller who hung up or a request that is none. */
function failureOf({ service }: Call, result: Reply | Error): MeshError | undefined {
  if (!(result instanceof Error)) {
    if (outcomeOf(result).kind !== 'failure') return undefined
    const { status, endpoint, attempts } = result
    const message = `${service}: ${endpoint.id} answered ${status}`
    return new MeshError('MESH_ERR_RESPONSE', message, { service, endpoint: endpoint.id, attempts, processed: outcomeOf(result).processed })
  }
  const error = meshErrorIn(result)
  if (error === undefined) return undefined
  return NOBODY_ANSWERS.has(error.code) || outcomeOf(error).kind === 'failure' ? error : undefined
}

async function substituteFor(call: Call, error: MeshError, { answer, breaker, events }: FallbackParts): Promise<Reply | undefined> {
  const { service, method, path, template } = call
  try {
    const given = await answer({ service, method, path, template, headers: headersOf(call) }, error)
    if (given === undefined) return undefined
    const reply = fallbackReply(given, `services.${service}.fallback`, error.attempts)
    breaker.fellBack(reply, error)
    events.emit('fallback', { service, method, error })
    return reply
  } catch (broken) {
    events.emit('listenerError', { event: 'fallback', error: broken })
    return undefined
  }
}

function headersOf({ headers }: Call): Readonly<Record<string, string>> {
  const record: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) if (headers[i] !== 'host') record[headers[i]!] = headers[i + 1]!
  return record
}
