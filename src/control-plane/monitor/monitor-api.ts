import { json, Refusal, type Answer } from '../http/answer.js'
import type { Exchange, Route } from '../http/route.js'
import type { Monitor } from './monitor.js'
import type { Series } from './series.js'
import { listTraces } from './trace-list.js'
import { MAX_WINDOW_SEC, type Window } from './tally.js'

const DEFAULT_WINDOW_SEC = 60
const DEFAULT_LIMIT = 20
const MAX_LIMIT = 500
const DEFAULT_DENIALS = 100

/**
 * Answers questions about what was received: who there is, who calls whom and how well, who was turned away, and single
 * traces. docs/monitoring.md lists them.
 */
export function monitorRoutes(monitor: Monitor): readonly Route[] {
  const get = (path: string, handle: Route['handle']): Route => ({ methods: ['GET'], path, handle })
  return [
    get('/api/services', ({ query }) => json(monitor.services(windowIn(query, monitor)))),
    get('/api/edges', ({ query }) => json(monitor.edges(windowIn(query, monitor)))),
    get('/api/instances', ({ query }) => json(monitor.instances(windowIn(query, monitor), query.get('service')))),
    get('/api/denials', ({ query }) => {
      const limit = wholeNumber(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_DENIALS
      return json(monitor.denials(windowIn(query, monitor), query.get('service'), limit))
    }),
    get('/api/traces', ({ query }) => json(tracesOf(query, monitor))),
    get('/api/traces/*', ({ rest }) => {
      const spans = monitor.traces.trace(rest)
      if (spans === undefined) throw new Refusal(404, `no trace ${rest} is kept; it never came, or it was too long ago`)
      return json({ traceId: rest, spans: [...spans.values()].sort((a, b) => a.startAt - b.startAt) })
    }),
    get('/api/series', ({ query }) => {
      const has = (name: 'service' | 'metric') => (one: Series) => [null, one[name]].includes(query.get(name))
      return json([...monitor.series.all()].filter(has('service')).filter(has('metric')))
    }),
    get('/api/tap', (exchange) => tapped(exchange, monitor)),
    get('/api/memory', () => json(monitor.memory())),
  ]
}

function tracesOf(query: URLSearchParams, monitor: Monitor): unknown {
  const windowSec = wholeNumber(query, 'windowSec', 1, MAX_WINDOW_SEC)
  return listTraces(monitor.traces, {
    service: query.get('service'),
    failedOnly: isTrue(query, 'failed'),
    minMs: wholeNumber(query, 'minMs', 0, 1e9) ?? 0,
    from: windowSec === undefined ? 0 : monitor.now - windowSec * 1_000,
    limit: wholeNumber(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  })
}

/** Server-sent events, until the one who watches hangs up. */
function tapped({ query, gone }: Exchange, { tap }: Monitor): Answer {
  const filter = { service: query.get('service'), caller: query.get('caller'), failedOnly: isTrue(query, 'failed') }
  if (!tap.isOpen) throw new Refusal(503, 'too many are watching already')
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
    // A comment, so that the one who watches sees at once that it does.
    body: ': watching\n\n',
    follow(write) {
      const end = tap.watch(filter, write)
      if (gone.aborted) end()
      else gone.addEventListener('abort', end)
    },
  }
}

function windowIn(query: URLSearchParams, { now }: Monitor): Window {
  return { now, windowSec: wholeNumber(query, 'windowSec', 1, MAX_WINDOW_SEC) ?? DEFAULT_WINDOW_SEC }
}

function isTrue(query: URLSearchParams, name: string): boolean {
  const text = query.get(name)
  if (text === null || text === 'false') return false
  if (text === 'true' || text === '') return true
  throw new Refusal(400, `${name}: expected true or false`)
}

function wholeNumber(query: URLSearchParams, name: string, min: number, max: number): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= min && value <= max) return value
  throw new Refusal(400, `${name}: expected a whole number from ${min} to ${max}`)
}
