import { epochMsOf, type Clock } from '../base/clock.js'
import { NOT_PROCESSED_HEADER, SHED } from '../call/outcome.js'
import type { Reply } from '../call/reply.js'

/**
 * How long the endpoint that gave this answer asks to be left alone, by its Retry-After (RFC 9110 §10.2.3); 0 for not at all.
 * Asked is by a 503, or by a refusal that bears our mark; a bare 429 speaks of this caller's quota, which every instance shares,
 * and one that sheds speaks of this request: others are more important there, and to leave it alone would be to load the rest.
 */
export function askedPauseMs({ status, headers }: Pick<Reply, 'status' | 'headers'>, clock: Clock): number {
  const value = headers['retry-after']
  if (typeof value !== 'string' || (status !== 503 && headers[NOT_PROCESSED_HEADER] === undefined)) return 0
  if (headers[NOT_PROCESSED_HEADER] === SHED) return 0
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const untilMs = epochMsOf(value)
  return Number.isNaN(untilMs) ? 0 : Math.max(0, untilMs - clock.epochMs())
}
