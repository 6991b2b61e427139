import { createContextKey, context as contextApi, SpanKind, trace, type Attributes, type Span } from '@opentelemetry/api'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Handler, Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'
import {
  CLIENT_ADDRESS,
  ERROR_TYPE,
  HTTP_RESPONSE_STATUS_CODE,
  HTTP_ROUTE,
  httpSpanName,
  MESH_FAULT,
  MESH_PEER_SERVICE,
  MESH_REFUSAL_REASON,
  methodAttributes,
  NETWORK_PEER_ADDRESS,
  URL_PATH,
  URL_QUERY,
  URL_SCHEME,
  USER_AGENT_ORIGINAL,
} from './attributes.js'
import { guarded, within } from './guarded.js'
import { OpenSpan } from './open-span.js'
import { extract } from './propagation.js'
import { redactQuery, redactTokens } from './redact.js'
import type { Tracing } from './tracing.js'

/**
 * One SERVER span around an inbound request, by OpenTelemetry's HTTP conventions. A request that an instrumentation of
 * the application traces already gets no second one; its span is told of refusals.
 */
export function serverSpan(tracing: Tracing): Layer<Inbound, InboundReply> {
  return (next) => (inbound) => {
    const { tracer } = tracing
    if (tracer === undefined) return next(inbound)
    const known = requestSpan()
    if (known !== undefined) return watched(known, next, inbound)
    const options = { kind: SpanKind.SERVER, attributes: attributesOf(inbound) }
    const span = OpenSpan.start(tracer, httpSpanName(inbound.method, undefined), options, extract(inbound))
    return span === undefined ? next(inbound) : covered(span, next, inbound)
  }
}

/** Writes the caller on the request's span, whoever made it. Stands below the stage that verifies the caller. */
export function peerOnSpan(tracing: Tracing): Layer<Inbound, InboundReply> {
  return (next) => (inbound) => {
    if (inbound.peer !== undefined && tracing.tracer !== undefined) {
      requestSpan()?.describe({ [MESH_PEER_SERVICE]: inbound.peer.service })
    }
    return next(inbound)
  }
}

/** Writes on the request's span what was made to go wrong. */
export function faultOnSpan({ tracer }: Tracing, fault: 'delay' | 'abort'): void {
  if (tracer !== undefined) requestSpan()?.describe({ [MESH_FAULT]: fault })
}

// A symbol registered by this text: where instrumentation-http keeps its span while those of middleware are active.
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA')

/** The span that stands for the request being handled. One that has ended, such as that of the server's start, does not. */
function requestSpan(): OpenSpan | undefined {
  return guarded(() => {
    const active = contextApi.active()
    const metadata = active.getValue(RPC_METADATA) as { readonly span?: Span } | undefined
    // Named by the instrumentation, it counts even when it was not sampled: that was decided for the request.
    if (metadata?.span !== undefined) return new OpenSpan(metadata.span, active)
    const span = trace.getSpan(active)
    return span?.isRecording() === true ? new OpenSpan(span, active) : undefined
  }, undefined)
}

/** Leaves a span to its owner, who writes what the conventions ask for and ends it. */
async function watched(span: OpenSpan, next: Handler<Inbound, InboundReply>, inbound: Inbound): Promise<InboundReply> {
  try {
    return await next(inbound)
  } catch (error) {
    if (error instanceof Refusal) span.describe({ [ERROR_TYPE]: error.code, [MESH_REFUSAL_REASON]: error.message })
    throw error
  }
}

async function covered(span: OpenSpan, next: Handler<Inbound, InboundReply>, inbound: Inbound): Promise<InboundReply> {
  try {
    const reply = await within(span.context, () => next(inbound))
    if (reply.route !== undefined) {
      span.rename(httpSpanName(inbound.method, reply.route))
      span.describe({ [HTTP_ROUTE]: reply.route })
    }
    answered(span, reply.status, String(reply.status))
    if (reply.aborted) span.fail('MESH_ERR_ABORTED')
    return reply
  } catch (error) {
    if (error instanceof Refusal) {
      span.describe({ [ERROR_TYPE]: error.code, [MESH_REFUSAL_REASON]: error.message })
      answered(span, error.status, error.code)
    } else {
      span.failWith(error)
    }
    throw error
  } finally {
    span.end()
  }
}

/** A server that answers 4xx has done its work; only 5xx is its own failure. */
function answered(span: OpenSpan, status: number, errorType: string): void {
  span.describe({ [HTTP_RESPONSE_STATUS_CODE]: status })
  if (status >= 500) span.fail(errorType)
}

function attributesOf(inbound: Inbound): Attributes {
  // A proxy's form of the target names a host too, and may hold a password before it (RFC 9112 §3.2.2).
  const target = inbound.target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '')
  const queryAt = target.indexOf('?')
  const path = queryAt === -1 ? target : target.slice(0, queryAt)
  const userAgent = inbound.header('user-agent')
  return {
    ...methodAttributes(inbound.method),
    [URL_SCHEME]: inbound.scheme,
    [URL_PATH]: redactTokens(path),
    ...(queryAt !== -1 && { [URL_QUERY]: redactQuery(target.slice(queryAt + 1)) }),
    ...(inbound.remoteAddress !== undefined && {
      [CLIENT_ADDRESS]: inbound.remoteAddress,
      [NETWORK_PEER_ADDRESS]: inbound.remoteAddress,
    }),
    ...(userAgent !== undefined && { [USER_AGENT_ORIGINAL]: userAgent }),
  }
}
