import type { MeshHealth } from '../lifecycle/health.js'
import { PROMETHEUS_TYPE } from '../telemetry/prometheus.js'

/** What the listener shows. */
export interface AdminViews {
  metrics(): string
  snapshot(): object
  /** Undefined for a service that this process does not call. */
  explain(service: string): object | undefined
  health(): MeshHealth
}

export interface AdminAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const INDEX = `/metrics             what is measured, as Prometheus reads it
/snapshot            what this process knows, as JSON
/explain/<service>   why calls to a service go as they do
/tap                 attempts and requests as they end, as server-sent events; ?service=users&ratio=0.1
/livez /readyz       probes
`

export function answerOf(path: string, views: AdminViews): AdminAnswer {
  switch (path) {
    case '/':
      return plainText(200, INDEX)
    case '/metrics':
      return { status: 200, type: PROMETHEUS_TYPE, body: views.metrics() }
    case '/snapshot':
      return json(200, views.snapshot())
    case '/livez':
      return json(200, views.health())
    case '/readyz': {
      const health = views.health()
      return json(health.ready ? 200 : 503, health)
    }
    default:
      return path.startsWith('/explain/') ? explained(path.slice('/explain/'.length), views) : plainText(404, `nothing is served at ${path}; there is:\n${INDEX}`)
  }
}

function explained(service: string, { explain }: AdminViews): AdminAnswer {
  const explanation = explain(service)
  return explanation === undefined ? plainText(404, `this process does not call ${service}; /snapshot says which services it calls\n`) : json(200, explanation)
}

function json(status: number, value: object): AdminAnswer {
  return { status, type: 'application/json', body: JSON.stringify(value) }
}

function plainText(status: number, body: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body }
}
