import { meshErrorIn, type Processed } from '../base/errors.js'
import type { Reply } from './reply.js'

/** What a result says about the service. `ignored`: it says nothing, as when the caller hung up. */
export interface Outcome {
  readonly kind: 'success' | 'failure' | 'ignored'
  readonly processed: Processed
}

/** Header by which a service built on this package says that it refused before doing any work. */
export const NOT_PROCESSED_HEADER = 'mesh-not-processed'

const SUCCESS: Outcome = { kind: 'success', processed: 'yes' }
const FAILED_ANSWER: Outcome = { kind: 'failure', processed: 'yes' }
const MAYBE_FAILED_ANSWER: Outcome = { kind: 'failure', processed: 'maybe' }
const REFUSED_ANSWER: Outcome = { kind: 'failure', processed: 'no' }

/**
 * The one judge of results: retry, breaker, balancing metrics and spans all ask here.
 * A 5xx or 429 answer is a failure of the service; every other answer is a success, since a 404 is an answer too.
 */
export function outcomeOf(result: Reply | Error): Outcome {
  if (result instanceof Error) return outcomeOfError(result)
  if (result.status < 500 && result.status !== 429) return SUCCESS
  if (result.headers[NOT_PROCESSED_HEADER] !== undefined) return REFUSED_ANSWER
  // 502 and 504 come from something between: what stands behind it may have done the work.
  return result.status === 502 || result.status === 504 ? MAYBE_FAILED_ANSWER : FAILED_ANSWER
}

function outcomeOfError(error: Error): Outcome {
  const meshError = meshErrorIn(error)
  if (meshError === undefined) return { kind: 'failure', processed: 'maybe' }
  return { kind: IGNORED_CODES.has(meshError.code) ? 'ignored' : 'failure', processed: meshError.processed }
}

// The caller hung up, or asked for something that cannot be sent, or could not say who it is: the service had no part in it.
const IGNORED_CODES: ReadonlySet<string> = new Set(['MESH_ERR_ABORTED', 'MESH_ERR_REQUEST', 'MESH_ERR_IDENTITY', 'MESH_ERR_CLOSED'])
