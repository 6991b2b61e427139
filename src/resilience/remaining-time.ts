import type { Clock } from '../base/clock.js'
import { withHeader } from '../call/headers.js'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { TIMEOUT_HEADER } from './inbound-deadline.js'

/** Tells the called service how long its caller will still wait, so that it starts no work that nobody will see. */
export function remainingTime({ clock }: { readonly clock: Clock }): Layer<Call> {
  return (next) => (call) => {
    if (call.timeoutMs === Infinity) return next(call)
    const remainingMs = Math.max(0, Math.floor(call.startedAt + call.timeoutMs - clock.now()))
    return next({ ...call, headers: withHeader(call.headers, TIMEOUT_HEADER, String(remainingMs)) })
  }
}
