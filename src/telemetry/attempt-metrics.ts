import type { Clock } from '../base/clock.js'
import { meshErrorIn } from '../base/errors.js'
import type { Attempt } from '../call/call.js'
import type { Events } from '../call/events.js'
import type { Layer } from '../call/layer.js'
import { ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, methodLabel, SERVER_ADDRESS, SERVER_PORT } from './attributes.js'
import type { Metrics } from './metrics.js'
import { resultKey } from './series-cache.js'
import type { HistogramSeries } from './series.js'
import type { Tracing } from './tracing.js'

export interface AttemptMetricsOptions {
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly events: Events
  readonly clock: Clock
}

/** Measures every attempt until its body has ended, as its span does, and tells of it whoever listens. */
export function attemptMetrics({ metrics, tracing, events, clock }: AttemptMetricsOptions): Layer<Attempt> {
  const set = metrics.histogram('clientDuration')

  const seriesOf = (service: string, verb: string, status: number | undefined, error: string | undefined): HistogramSeries => {
    const method = methodLabel(verb)
    const result = resultKey(status, error)
    const known = set.cache.find(service, method, result)
    if (known !== undefined) return known
    const labels = {
      [HTTP_REQUEST_METHOD]: method,
      [SERVER_ADDRESS]: service,
      [SERVER_PORT]: 80,
      [HTTP_RESPONSE_STATUS_CODE]: status,
      [ERROR_TYPE]: error ?? (status !== undefined && status >= 400 ? String(status) : undefined),
    }
    const found = set.find(labels)
    if (found !== undefined) set.cache.keep(service, method, result, found)
    return found ?? set.at(labels)
  }

  const over = ({ call, endpoint }: Attempt, startedAtMs: number, traceId: string | undefined, status: number | undefined, failure: Error | undefined): void => {
    const durationMs = clock.now() - startedAtMs
    const error = failure === undefined ? undefined : errorType(failure)
    metrics.record('clientDuration', seriesOf(call.service, call.method, status, error), durationMs / 1_000)
    if (!events.heard('attempted')) return
    const { service, method, template: route, resends, hedge } = call
    events.emit('attempted', { service, endpoint: endpoint.id, method, route, status, durationMs, error, resends, hedge, traceId })
  }

  return (next) => (attempt) => {
    const startedAtMs = clock.now()
    const traceId = events.heard('attempted') ? tracing.traceId : undefined
    return next(attempt).then(
      (reply) => {
        void reply.done.then(({ error }) => over(attempt, startedAtMs, traceId, reply.status, error))
        return reply
      },
      (error: Error) => {
        over(attempt, startedAtMs, traceId, undefined, error)
        throw error
      },
    )
  }
}

/** Undefined for what was given up on purpose, which is no error, as the conventions say of the span. */
function errorType(error: Error): string | undefined {
  const code = meshErrorIn(error)?.code ?? '_OTHER'
  return code === 'MESH_ERR_ABORTED' ? undefined : code
}
