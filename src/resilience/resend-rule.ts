import type { MeshError } from '../base/errors.js'
import type { Call } from '../call/call.js'
import { RETRIED_HEADER } from '../call/chain.js'
import { headerValue } from '../call/headers.js'
import { outcomeOf } from '../call/outcome.js'
import type { Reply } from '../call/reply.js'

/** Under what conditions a kind of failure may be followed by another attempt. */
export interface ResendRule {
  /** No byte of the request left this process. */
  readonly neverLeft: boolean
  /** The service may have acted on it: only a request that can be done twice goes again. */
  readonly mayHaveActed: boolean
  /** Another endpoint is likely to be in the same state, so that going there at once would only add to it. */
  readonly concernsAll: boolean
}

const NEVER_LEFT: ResendRule = { neverLeft: true, mayHaveActed: false, concernsAll: false }
const REFUSED: ResendRule = { neverLeft: false, mayHaveActed: false, concernsAll: false }
const LOST: ResendRule = { neverLeft: false, mayHaveActed: true, concernsAll: false }
const OVERLOADED: ResendRule = { neverLeft: false, mayHaveActed: true, concernsAll: true }

/** The rule for this result; undefined for what is never sent again. `docs/resilience.md` has the table with its reasons. */
export function resendRuleOf(result: Reply | MeshError): ResendRule | undefined {
  // No failure of the endpoint, and yet another one may have a connection to spare.
  if (result instanceof Error && result.code === 'MESH_ERR_NO_SOCKET') return NEVER_LEFT
  if (outcomeOf(result).kind !== 'failure') return undefined
  return result instanceof Error ? ruleOfError(result) : ruleOfAnswer(result)
}

/** Whether the failure has a reason further away, for which a service in between has tried again. */
export function wasRetriedBehind(result: Reply | MeshError): boolean {
  return !(result instanceof Error) && result.headers[RETRIED_HEADER] !== undefined
}

function ruleOfError(error: MeshError): ResendRule | undefined {
  const { code } = error
  const { processed } = outcomeOf(error)
  if (processed === 'no') return NEVER_LEFT
  // An answer had begun: part of it may have reached the caller.
  if (processed === 'yes') return undefined
  if (code === 'MESH_ERR_CONNECTION') return LOST
  if (code === 'MESH_ERR_ATTEMPT_TIMEOUT') return OVERLOADED
  // Something else than HTTP came from this one; an answer that is too large would come from any.
  if (code === 'MESH_ERR_RESPONSE') return codeOf(error.cause) === 'UND_ERR_HEADERS_OVERFLOW' ? undefined : LOST
  return undefined
}

function ruleOfAnswer(reply: Reply): ResendRule | undefined {
  if (wasRetriedBehind(reply)) return undefined
  const { status, headers } = reply
  const { processed } = outcomeOf(reply)
  if (status === 503 || status === 429) {
    if (processed === 'no') return REFUSED
    return headers['retry-after'] === undefined ? undefined : OVERLOADED
  }
  // Refused with one of these is only what came too late, and there is even less time now.
  return (status === 502 || status === 504) && processed !== 'no' ? OVERLOADED : undefined
}

function codeOf(cause: unknown): unknown {
  return (cause as { code?: unknown } | undefined)?.code
}

/** Methods that do the same when they are done twice (RFC 9110 §9.2.2; QUERY by its own specification). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'TRACE'])

/**
 * Whether doing it twice is the same as doing it once: as the caller says; or else for every call of the service, if its policy
 * says so, by the method, and for a request that carries an `Idempotency-Key`, by which the service tells that it has it already.
 */
export function isIdempotent({ method, headers, idempotent }: Call, allAre: boolean): boolean {
  return idempotent ?? (allAre || IDEMPOTENT.has(method) || (headerValue(headers, 'idempotency-key') ?? '') !== '')
}
