import type { Answer } from '../http/answer.js'
import { Refusal } from '../http/answer.js'
import type { Exchange, Route } from '../http/route.js'
import type { Monitor } from './monitor.js'
import type { JsonObject } from './otlp.js'
import { encodingOf, otlpJson, type Encoding } from './otlp-encoding.js'
import { metricsRequest, traceRequest } from './otlp-schema.js'
import type { Message } from './protobuf.js'
import { readPoints } from './read-points.js'
import { readSpans } from './read-spans.js'

const MAX_BODY_BYTES = 8 * 1024 * 1024

/** What was not taken of a request: of what, and why each. */
interface Refused {
  readonly counter: 'rejectedSpans' | 'rejectedDataPoints'
  readonly reasons: readonly string[]
}

/**
 * Takes traces and metrics from any OpenTelemetry SDK, by OTLP/HTTP in protobuf or JSON, packed by gzip or not. Logs are
 * refused for good, rather than taken and thrown away by somebody who seems to keep them.
 * Source: {@link https://opentelemetry.io/docs/specs/otlp/#otlphttp | OTLP/HTTP}.
 */
export function receiverRoutes(monitor: Monitor): readonly Route[] {
  const takeTraces = (request: JsonObject): Refused => {
    const { taken, refused } = readSpans(request)
    for (const span of taken) monitor.takeSpan(span)
    return { counter: 'rejectedSpans', reasons: refused }
  }
  const takeMetrics = (request: JsonObject): Refused => {
    const { taken, refused } = readPoints(request)
    const unkept = taken.filter((point) => !monitor.takePoint(point)).map(() => 'there are too many series')
    return { counter: 'rejectedDataPoints', reasons: [...refused, ...unkept] }
  }
  const takeLogs = (): never => {
    throw new Refusal(404, 'logs are not kept here: OTEL_LOGS_EXPORTER=none sends none, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT sends them elsewhere')
  }
  const post = (path: string, handle: (exchange: Exchange, encoding: Encoding) => Answer | Promise<Answer>): Route => {
    return { methods: ['POST'], path, handle: (exchange) => inItsEncoding(exchange, handle) }
  }
  const received = (message: Message, take: (request: JsonObject) => Refused) => async ({ bytes }: Exchange, encoding: Encoding) => {
    const { counter, reasons } = take(encoding.read(await bytes(MAX_BODY_BYTES), message))
    return encoding.received(counter, reasons)
  }
  return [
    post('/v1/traces', received(traceRequest, takeTraces)),
    post('/v1/metrics', received(metricsRequest, takeMetrics)),
    post('/v1/logs', takeLogs),
  ]
}

/** Answers in the encoding that was asked in, refusals too. */
async function inItsEncoding(exchange: Exchange, handle: (exchange: Exchange, encoding: Encoding) => Answer | Promise<Answer>): Promise<Answer> {
  let encoding = otlpJson
  try {
    encoding = encodingOf(exchange.headers['content-type'])
    return await handle(exchange, encoding)
  } catch (error) {
    if (error instanceof Refusal) return encoding.refused(error)
    throw error
  }
}
