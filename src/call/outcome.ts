import { meshErrorIn, type MeshErrorCode, type Processed } from '../base/errors.js'
import type { Reply } from './reply.js'

/** What a result says about the service. `ignored`: it says nothing, as when the caller hung up. */
export interface Outcome {
  readonly kind: 'success' | 'failure' | 'ignored'
  readonly processed: Processed
}

/** Header by which a service built on this package says that it refused before doing any work. */
export const NOT_PROCESSED_HEADER = 'mesh-not-processed'

/** Its value when the request was given up for more important ones, or for want of capacity at this moment: the next one may be served. */
export const SHED = 'shed'

/** Header by which a caller says that it may be refused this request, and in how many ms it would expect to have its answer elsewhere. */
export const OFFER_HEADER = 'mesh-offer'

/** Header by which an instance refuses such a request before any work: it would have to wait here, for so many ms in all. */
export const SPILLED_HEADER = 'mesh-spilled'

/** Header by which an instance says with every answer that it is about to go: the answer is good, the next call belongs elsewhere. */
export const DRAINING_HEADER = 'mesh-draining'

const RANK: Readonly<Record<Processed, number>> = { no: 0, maybe: 1, yes: 2 }

/** Which of the two says more of what a service may have done. */
export function graver(one: Processed, other: Processed): Processed {
  return RANK[other] > RANK[one] ? other : one
}

const SUCCESS: Outcome = { kind: 'success', processed: 'yes' }
const FAILED_ANSWER: Outcome = { kind: 'failure', processed: 'yes' }
const MAYBE_FAILED_ANSWER: Outcome = { kind: 'failure', processed: 'maybe' }
const REFUSED_ANSWER: Outcome = { kind: 'failure', processed: 'no' }
const SPILLED: Outcome = { kind: 'ignored', processed: 'no' }

/** Whether an answer with this status is a failure of the service: every other answer is a success, since a 404 is an answer too. */
export function isFailure(status: number): boolean {
  return status >= 500 || status === 429
}

/** The one judge of results: retry, breaker, balancing metrics and spans all ask here. */
export function outcomeOf(result: Pick<Reply, 'status' | 'headers'> | Error): Outcome {
  if (result instanceof Error) return outcomeOfError(result)
  if (!isFailure(result.status)) return SUCCESS
  if (result.headers[NOT_PROCESSED_HEADER] !== undefined) return result.headers[SPILLED_HEADER] === undefined ? REFUSED_ANSWER : SPILLED
  // 502 and 504 come from something between: what stands behind it may have done the work.
  return result.status === 502 || result.status === 504 ? MAYBE_FAILED_ANSWER : FAILED_ANSWER
}

/** Whether an answer says that the service is there but has no capacity for this: 429, 503, or a refusal that bears our mark. */
export function isRefusal(result: Pick<Reply, 'status' | 'headers'> | Error): boolean {
  if (result instanceof Error || result.status < 429) return false
  return result.status === 429 || result.status === 503 || (result.status >= 500 && result.headers[NOT_PROCESSED_HEADER] !== undefined)
}

/** Whether an answer says that this request was given up there for want of capacity; others may well be served. */
export function isShed(result: Pick<Reply, 'headers'> | Error): boolean {
  return !(result instanceof Error) && result.headers[NOT_PROCESSED_HEADER] === SHED
}

function outcomeOfError(error: Error): Outcome {
  const meshError = meshErrorIn(error)
  if (meshError === undefined) return { kind: 'failure', processed: 'maybe' }
  const { code, processed } = meshError
  // A deadline that was over before anything was sent says nothing about the service.
  const neverTried = code === 'MESH_ERR_DEADLINE' && processed === 'no'
  return { kind: SERVICE_FAILURES.has(code) && !neverTried ? 'failure' : 'ignored', processed }
}

// Everything else came from this side: the caller hung up, nothing could be sent or signed, no endpoint was known.
const SERVICE_FAILURES: ReadonlySet<MeshErrorCode> = new Set<MeshErrorCode>([
  'MESH_ERR_CONNECT',
  'MESH_ERR_TLS',
  'MESH_ERR_CONNECTION',
  'MESH_ERR_RESPONSE',
  'MESH_ERR_ATTEMPT_TIMEOUT',
  'MESH_ERR_DEADLINE',
])
