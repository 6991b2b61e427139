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

export interface RequestMetricsOptions {
  readonly metrics: Metrics
  readonly events: Events
  readonly clock: Clock
}

/** Measures every inbound request until it was answered, refused ones too, and tells of it whoever listens. */
export function requestMetrics({ metrics, events, clock }: RequestMetricsOptions): Layer<Inbound, InboundReply> {
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

  const over = (inbound: Inbound, startedAtMs: number, status: number | undefined, error: string | undefined, reply?: InboundReply, caller?: string): void => {
    const durationMs = clock.now() - startedAtMs
    const route = reply?.route
    metrics.record('serverDuration', seriesOf(inbound, route, status, error), durationMs / 1_000)
    if (!events.heard('served')) return
    events.emit('served', { method: inbound.method, route, status, durationMs, error, peer: reply?.heardOf?.peer ?? caller, traceId: reply?.heardOf?.traceId })
  }

  return (next) => (inbound) => {
    const startedAtMs = clock.now()
    return next(inbound).then(
      (reply) => {
        over(inbound, startedAtMs, reply.status, reply.aborted ? 'MESH_ERR_ABORTED' : undefined, reply)
        return reply
      },
      (error: Error) => {
        if (error instanceof Refusal) over(inbound, startedAtMs, error.status, error.code, undefined, error.peer)
        else over(inbound, startedAtMs, undefined, '_OTHER')
        throw error
      },
    )
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
