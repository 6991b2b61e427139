import type { Clock } from '../base/clock.js'
import { NOT_PROCESSED_HEADER, SHED } from '../call/outcome.js'
import type { Reply } from '../call/reply.js'
import { retryAfterMs } from '../call/retry-after.js'

/**
 * How long the endpoint that gave this answer asks to be left alone, by its Retry-After; 0 for not at all.
 * Asked is by a 503, or by a refusal that bears our mark; a bare 429 speaks of this caller's quota, which every instance shares,
 * and one that sheds speaks of this request: others are more important there, and to leave it alone would be to load the rest.
 */
export function askedPauseMs({ status, headers }: Pick<Reply, 'status' | 'headers'>, clock: Clock): number {
  const mark = headers[NOT_PROCESSED_HEADER]
  if (mark === SHED || (status !== 503 && mark === undefined)) return 0
  return retryAfterMs(headers, clock) ?? 0
}
