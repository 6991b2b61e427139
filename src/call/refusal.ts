import { MeshError, type MeshErrorCode } from '../base/errors.js'
import type { Answer } from './inbound.js'
import { LOAD_REPORT_HEADER } from './load-report.js'
import { DRAINING_HEADER, NOT_PROCESSED_HEADER, SHED, SPILLED_HEADER } from './outcome.js'

const REFUSALS = {
  MESH_ERR_BAD_PATH: { status: 400, title: 'Bad Request', detail: 'The request path has more than one reading.' },
  MESH_ERR_UNAUTHENTICATED: { status: 401, title: 'Unauthorized', detail: 'The request carries no token that is valid here.' },
  MESH_ERR_TLS: { status: 403, title: 'Forbidden', detail: 'The connection is not one of TLS with a certificate that is valid here.' },
  MESH_ERR_FORBIDDEN: { status: 403, title: 'Forbidden', detail: 'The caller may not make this request.' },
  MESH_ERR_DRAINING: { status: 503, title: 'Service Unavailable', detail: 'This instance is shutting down.' },
  MESH_ERR_SPILLED: { status: 503, title: 'Service Unavailable', detail: 'This instance is busier than others.' },
  MESH_ERR_SHED: { status: 503, title: 'Service Unavailable', detail: 'This instance has more to do than it can.' },
  MESH_ERR_KEYS: { status: 503, title: 'Service Unavailable', detail: 'This instance cannot verify tokens at the moment.' },
  // Not 503: trying elsewhere cannot help when the caller itself has no time left (gRPC maps DEADLINE_EXCEEDED to 504 too).
  MESH_ERR_DEADLINE: { status: 504, title: 'Gateway Timeout', detail: 'The time that the caller gave was over before the request was begun.' },
} as const satisfies Partial<Record<MeshErrorCode, { status: number; title: string; detail: string }>>

export type RefusalCode = keyof typeof REFUSALS

export interface RefusalDetails {
  /** Principal of the caller, when it is known. */
  peer?: string | undefined
  /** Whether the caller offered a token at all, which the answer to a 401 tells apart (RFC 6750 §3.1). */
  tokenOffered?: boolean
  /** What a 401 asks for (RFC 9110 §11.6.1), where it is not simply a bearer token. */
  challenge?: string
  /** How long the request would have taken here, for a request that may go elsewhere. */
  expectedMs?: number
  /** What this instance says of its load, to a caller that may know. */
  loadReport?: string | undefined
  /** When it may be tried again. */
  retryAfterSec?: number
  cause?: unknown
}

/**
 * An inbound request refused before the application saw it. The message is the reason for the operator, and names
 * the rule; the caller is told only what {@link problemOf} makes of the code. Neither holds any part of a token.
 */
export class Refusal extends MeshError {
  readonly status: number
  readonly peer: string | undefined
  readonly tokenOffered: boolean
  readonly challenge: string | undefined
  readonly expectedMs: number | undefined
  readonly loadReport: string | undefined
  readonly retryAfterSec: number | undefined

  constructor(
    override readonly code: RefusalCode,
    reason: string,
    details: RefusalDetails = {},
  ) {
    super(code, reason, { cause: details.cause })
    this.status = REFUSALS[code].status
    this.peer = details.peer
    this.tokenOffered = details.tokenOffered ?? false
    this.challenge = details.challenge
    this.expectedMs = details.expectedMs
    this.loadReport = details.loadReport
    this.retryAfterSec = details.retryAfterSec
  }
}

/** What the caller is told of a refusal, as RFC 9457 has it: `type`, `title`, `status`, `code` and `detail`. */
export function problemOf(refusal: Refusal): Answer {
  const { status, title, detail } = REFUSALS[refusal.code]
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  if (status === 401) headers['www-authenticate'] = refusal.challenge ?? (refusal.tokenOffered ? 'Bearer error="invalid_token"' : 'Bearer')
  if (status >= 500) headers[NOT_PROCESSED_HEADER] = refusal.code === 'MESH_ERR_SHED' ? SHED : '1'
  if (refusal.expectedMs !== undefined) headers[SPILLED_HEADER] = String(Math.ceil(refusal.expectedMs))
  if (refusal.loadReport !== undefined) headers[LOAD_REPORT_HEADER] = refusal.loadReport
  if (refusal.retryAfterSec !== undefined) headers['retry-after'] = String(refusal.retryAfterSec)
  if (refusal.code === 'MESH_ERR_DRAINING') Object.assign(headers, { connection: 'close', [DRAINING_HEADER]: '1' })
  return { status, headers, body: JSON.stringify({ type: 'about:blank', title, status, code: refusal.code, detail }) }
}
