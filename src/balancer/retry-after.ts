import type { Clock } from '../base/clock.js'
import { NOT_PROCESSED_HEADER } from '../call/outcome.js'
import type { Reply } from '../call/reply.js'
import { retryAfterMs } from '../call/retry-after.js'

/**
 * How long the endpoint that gave this answer asks to be left alone, by its Retry-After; 0 for not at all.
 * Asked is by a 503, or by a refusal that bears our mark; a bare 429 speaks of this caller's quota, which every instance shares.
 */
export function askedPauseMs({ status, headers }: Pick<Reply, 'status' | 'headers'>, clock: Clock): number {
  if (status !== 503 && headers[NOT_PROCESSED_HEADER] === undefined) return 0
  return retryAfterMs(headers, clock) ?? 0
}
