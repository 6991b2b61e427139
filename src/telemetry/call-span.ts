import { SpanKind } from '@opentelemetry/api'
import type { Call } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import { outcomeOf } from '../call/outcome.js'
import { HTTP_RESPONSE_STATUS_CODE, MESH_ATTEMPTS, MESH_FALLBACK, SERVICE_PEER_NAME } from './attributes.js'
import { within } from './guarded.js'
import { OpenSpan } from './open-span.js'
import type { Tracing } from './tracing.js'

/**
 * One span around a whole call: every try, wait and pick, until the body has ended. It is INTERNAL, because the CLIENT
 * spans are those of the attempts below it, which the HTTP conventions do not want counted twice.
 */
export function callSpan(tracing: Tracing): Layer<Call> {
  return (next) => (call) => {
    const { tracer } = tracing
    if (tracer === undefined) return next(call)
    const span = OpenSpan.start(tracer, `mesh.call ${call.service}`, {
      kind: SpanKind.INTERNAL,
      attributes: { [SERVICE_PEER_NAME]: call.service },
    })
    if (span === undefined) return next(call)
    return span.cover(
      () => within(span.context, () => next(call)),
      (reply) => {
        span.describe({ [MESH_ATTEMPTS]: reply.attempts, [HTTP_RESPONSE_STATUS_CODE]: reply.status })
        if (reply.fallback) span.describe({ [MESH_FALLBACK]: true })
        if (outcomeOf(reply).kind === 'failure') span.fail(String(reply.status))
      },
    )
  }
}
