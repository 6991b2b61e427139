import { epochMsOf, type Clock } from '../base/clock.js'
import type { ResponseHeaders } from './headers.js'

/** How many milliseconds an answer asks to wait before the next try, by its Retry-After (RFC 9110 §10.2.3); undefined when it does not. */
export function retryAfterMs(headers: ResponseHeaders, clock: Clock): number | undefined {
  const value = headers['retry-after']
  if (typeof value !== 'string') return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1_000
  const untilMs = epochMsOf(value)
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs - clock.epochMs())
}
