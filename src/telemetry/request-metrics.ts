import type { Clock } from '../base/clock.js'
import type { Events } from '../call/events.js'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'
import { ERROR_TYPE, HTTP_REQUEST_METHOD, HTTP_RESPONSE_STATUS_CODE, HTTP_ROUTE, MESH_PEER_SERVICE, methodLabel, URL_SCHEME } from './attributes.js'
import type { Metrics } from './metrics.js'
import { resultKey, SeriesCache } from './series-cache.js'
import type { HistogramSeries } from './series.js'
import type { Tracing } from './tracing.js'

/** What became of an inbound request. */
export interface RequestResult {
  readonly status: number | undefined
  /** Why it was refused, or `_OTHER` for what nobody foresaw. */
  readonly code?: string | undefined
  /** Of the application, if it was asked. */
  readonly reply?: InboundReply | undefined
  /** Who was refused, where that is known. */
  readonly peer?: string | undefined
}

/** Is told when a request came and what became of it. */
export type RequestMeter = (inbound: Inbound, startedAtMs: number, result: RequestResult) => void

export interface RequestMetricsOptions {
  readonly metrics: Metrics
  readonly events: Events
  readonly clock: Clock
}

/** Takes the measure of every inbound request that was answered or refused, and tells of it whoever listens. */
export function requestMeter({ metrics, events, clock }: RequestMetricsOptions): RequestMeter {
  const caches = { http: new SeriesCache<HistogramSeries>(), https: new SeriesCache<HistogramSeries>() }
  const set = metrics.histogram('serverDuration')

  const seriesOf = ({ method: verb, scheme }: Inbound, route: string | undefined, status: number | undefined, error: string | undefined): HistogramSeries => {
    const method = methodLabel(verb)
    const result = resultKey(status, error)
    const known = caches[scheme].find(route, method, result)
    if (known !== undefined) return known
    const labels = {
      [HTTP_REQUEST_METHOD]: method,
      [URL_SCHEME]: scheme,
      [HTTP_RESPONSE_STATUS_CODE]: status,
      [HTTP_ROUTE]: route,
      [ERROR_TYPE]: error ?? (status !== undefined && status >= 500 ? String(status) : undefined),
    }
    const found = set.find(labels)
    if (found !== undefined) caches[scheme].keep(route, method, result, found)
    return found ?? set.at(labels)
  }

  return (inbound, startedAtMs, { status, code, reply, peer }) => {
    const durationMs = clock.now() - startedAtMs
    const route = reply?.route
    const error = reply?.aborted === true ? 'MESH_ERR_ABORTED' : code
    metrics.record('serverDuration', seriesOf(inbound, route, status, error), durationMs / 1_000)
    if (!events.heard('served')) return
    events.emit('served', { method: inbound.method, route, status, durationMs, error, peer: reply?.heardOf?.peer ?? peer, traceId: reply?.heardOf?.traceId })
  }
}

/** Counts the requests of each verified caller. Stands below the stage that verifies it, and tells the stages above who it was. */
export function peerMetrics({ metrics, events }: RequestMetricsOptions, tracing: Tracing): Layer<Inbound, InboundReply> {
  const set = metrics.counter('requests')

  const count = (peer: string, status: number): void => {
    const known = set.cache.find(peer, '', status)
    if (known !== undefined) return void known.value++
    const labels = { [MESH_PEER_SERVICE]: peer, [HTTP_RESPONSE_STATUS_CODE]: status }
    const found = set.find(labels)
    if (found !== undefined) set.cache.keep(peer, '', status, found)
    ;(found ?? set.at(labels)).value++
  }

  return (next) => (inbound) => {
    if (inbound.peer === undefined) return next(inbound)
    const peer = inbound.peer.service
    const traceId = events.heard('served') ? tracing.traceId : undefined
    return next(inbound).then(
      (reply) => {
        count(peer, reply.status)
        return events.heard('served') ? { ...reply, heardOf: { peer, traceId } } : reply
      },
      (error: Error) => {
        if (error instanceof Refusal) count(peer, error.status)
        throw error
      },
    )
  }
}
