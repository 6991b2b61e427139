import type { Clock } from '../base/clock.js'
import { meshErrorIn } from '../base/errors.js'
import type { Attempt } from '../call/call.js'
import type { Events } from '../call/events.js'
import { ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, methodLabel, SERVER_ADDRESS, SERVER_PORT } from './attributes.js'
import type { Metrics } from './metrics.js'
import { resultKey } from './series-cache.js'
import type { HistogramSeries } from './series.js'
import type { Tracing } from './tracing.js'

/** Is told when an attempt began, and its status or what went wrong, or both. */
export type AttemptMeter = (attempt: Attempt, startedAtMs: number, status: number | undefined, failure: Error | undefined) => void

export interface AttemptMetricsOptions {
  readonly metrics: Metrics
  readonly tracing: Tracing
  readonly events: Events
  readonly clock: Clock
}

/** Takes the measure of every attempt that is over, body and all, and tells of it whoever listens. */
export function attemptMeter({ metrics, tracing, events, clock }: AttemptMetricsOptions): AttemptMeter {
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

  return ({ call, endpoint }, startedAtMs, status, failure) => {
    const durationMs = clock.now() - startedAtMs
    const error = failure === undefined ? undefined : errorType(failure)
    metrics.record('clientDuration', seriesOf(call.service, call.method, status, error), durationMs / 1_000)
    if (!events.heard('attempted')) return
    const { service, method, template: route, resends, hedge } = call
    events.emit('attempted', { service, endpoint: endpoint.id, method, route, status, durationMs, error, resends, hedge, traceId: tracing.traceId })
  }
}

/** Undefined for what was given up on purpose, which is no error, as the conventions say of the span. */
function errorType(error: Error): string | undefined {
  const code = meshErrorIn(error)?.code ?? '_OTHER'
  return code === 'MESH_ERR_ABORTED' ? undefined : code
}
