import { createContextKey, SpanKind, type Attributes, type Context } from '@opentelemetry/api'
import type { Ambient } from '../call/ambient.js'
import type { Attempt } from '../call/call.js'
import type { Layer } from '../call/layer.js'
import {
  HTTP_REQUEST_RESEND_COUNT,
  HTTP_RESPONSE_STATUS_CODE,
  httpSpanName,
  MESH_ENDPOINT_ID,
  MESH_HEDGE,
  methodAttributes,
  NETWORK_PEER_ADDRESS,
  NETWORK_PEER_PORT,
  SERVER_ADDRESS,
  SERVER_PORT,
  SERVICE_PEER_NAME,
  URL_FULL,
  URL_TEMPLATE,
} from './attributes.js'
import { within } from './guarded.js'
import { OpenSpan } from './open-span.js'
import { pickAttributes } from './pick-attributes.js'
import { inject, passOn } from './propagation.js'
import { redactUrl } from './redact.js'
import type { Tracing } from './tracing.js'

/**
 * One CLIENT span around one attempt, until its body has ended, by OpenTelemetry's HTTP conventions; and the trace
 * context in its header fields, written last so that nothing comes after it. While nobody records, the fields of the
 * inbound request travel on instead.
 */
export function attemptSpan(tracing: Tracing, ambient: Ambient): Layer<Attempt> {
  return (next) => (attempt) => {
    const { tracer } = tracing
    if (tracer === undefined) return next(untraced(attempt, ambient))
    const { call } = attempt
    const options = { kind: SpanKind.CLIENT, attributes: attributesOf(attempt) }
    const span = OpenSpan.start(tracer, httpSpanName(call.method, call.template), options)
    if (span === undefined) return next(untraced(attempt, ambient))
    const traced = { ...attempt, headers: inject(span.context, attempt.headers) }
    return span.cover(
      () => within(withoutTracing(span.context), () => next(traced)),
      ({ status }) => {
        span.describe({ [HTTP_RESPONSE_STATUS_CODE]: status })
        if (status >= 400) span.fail(String(status))
      },
    )
  }
}

function untraced(attempt: Attempt, ambient: Ambient): Attempt {
  const request = ambient.current
  if (request === undefined) return attempt
  const headers = passOn(attempt.headers, request.traceHeaders)
  return headers === attempt.headers ? attempt : { ...attempt, headers }
}

function attributesOf({ call, endpoint, pick }: Attempt): Attributes {
  return {
    ...methodAttributes(call.method),
    // As the Host field names it, which holds the service and no port.
    [SERVER_ADDRESS]: call.service,
    [SERVER_PORT]: 80,
    [URL_FULL]: redactUrl(`http://${call.service}${call.path}`),
    [SERVICE_PEER_NAME]: call.service,
    [NETWORK_PEER_ADDRESS]: endpoint.host,
    [NETWORK_PEER_PORT]: endpoint.port,
    [MESH_ENDPOINT_ID]: endpoint.id,
    ...(call.template !== undefined && { [URL_TEMPLATE]: call.template }),
    ...(call.resends > 0 && { [HTTP_REQUEST_RESEND_COUNT]: call.resends }),
    ...(call.hedge && { [MESH_HEDGE]: true }),
    ...(pick !== undefined && pickAttributes(pick)),
  }
}

// A symbol registered by this text: the SDK's own key, without the SDK.
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/** An instrumented undici below would add a second CLIENT span, and a second `traceparent` to the wire. */
function withoutTracing(context: Context): Context {
  return context.setValue(SUPPRESS_TRACING, true)
}
