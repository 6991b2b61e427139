import { json, Refusal, type Answer } from '../http/answer.js'
import { refusedAs, type Exchange, type Route } from '../http/route.js'
import type { Monitor } from './monitor.js'
import { isObject, type JsonObject } from './otlp.js'
import { readPoints } from './read-points.js'
import { readSpans } from './read-spans.js'

const MAX_BODY_BYTES = 8 * 1024 * 1024
// google.rpc.Code, which OTLP's error bodies carry.
const INVALID_ARGUMENT = 3

/**
 * Takes traces and metrics from any OpenTelemetry SDK, by OTLP/HTTP in JSON, packed by gzip or not.
 * Source: {@link https://opentelemetry.io/docs/specs/otlp/#otlphttp | OTLP/HTTP}.
 */
export function receiverRoutes(monitor: Monitor): readonly Route[] {
  const takeTraces = async (exchange: Exchange): Promise<Answer> => {
    const { taken, refused } = readSpans(await readRequest(exchange))
    for (const span of taken) monitor.takeSpan(span)
    return received('rejectedSpans', refused)
  }
  const takeMetrics = async (exchange: Exchange): Promise<Answer> => {
    const { taken, refused } = readPoints(await readRequest(exchange))
    const unkept = taken.filter((point) => !monitor.takePoint(point)).map(() => 'there are too many series')
    return received('rejectedDataPoints', [...refused, ...unkept])
  }
  return [
    { methods: ['POST'], path: '/v1/traces', handle: refusedAs(statusOf, takeTraces) },
    { methods: ['POST'], path: '/v1/metrics', handle: refusedAs(statusOf, takeMetrics) },
  ]
}

async function readRequest({ headers, body }: Exchange): Promise<JsonObject> {
  const [type] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (type?.trim() !== 'application/json') {
    throw new Refusal(415, 'send OTLP as application/json, with OTEL_EXPORTER_OTLP_PROTOCOL=http/json')
  }
  let request: unknown
  try {
    request = JSON.parse(await body(MAX_BODY_BYTES))
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(400, 'the body is not JSON')
  }
  if (!isObject(request)) throw new Refusal(400, 'the body is not a JSON object')
  return request
}

/** `{}`, or how many items were not taken and why the first one was not. */
function received(counter: 'rejectedSpans' | 'rejectedDataPoints', refused: readonly string[]): Answer {
  const [reason] = refused
  return json(reason === undefined ? {} : { partialSuccess: { [counter]: String(refused.length), errorMessage: reason } })
}

/** A refusal as google.rpc.Status. */
function statusOf({ status, message, headers }: Refusal): Answer {
  return json({ code: INVALID_ARGUMENT, message }, { status, headers })
}
