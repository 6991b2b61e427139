import type { Clock } from '../base/clock.js'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'

/**
 * Header by which a caller says how long it will still wait: whole milliseconds. A span of time and not a moment, since
 * the clocks of two machines differ.
 */
export const TIMEOUT_HEADER = 'mesh-timeout-ms'

/** Takes over the caller's deadline, for the calls that this request causes. A value that is no whole number is ignored. */
export function inboundDeadline({ clock }: { readonly clock: Clock }): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const remainingMs = readTimeout(inbound.header(TIMEOUT_HEADER))
    if (remainingMs === undefined) return next(inbound)
    if (remainingMs <= 0) throw new Refusal('MESH_ERR_DEADLINE', 'the caller had no time left')
    return next({ ...inbound, deadlineAt: clock.now() + remainingMs })
  }
}

function readTimeout(value: string | undefined): number | undefined {
  // Nine digits are eleven days: enough for everybody, and still an exact number.
  return value !== undefined && /^-?\d{1,9}$/.test(value) ? Number(value) : undefined
}
