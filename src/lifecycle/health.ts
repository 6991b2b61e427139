import { exactPath, rawPathOf } from '../auth/request-path.js'
import { fields, type Reader } from '../base/validate.js'
import type { Answer, Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'

/** What a load balancer or an orchestrator wants to know. */
export interface MeshHealth {
  readonly status: 'serving' | 'draining' | 'closed'
  /** Whether this process should be given requests. */
  readonly ready: boolean
}

/** Where probes ask: exactly these paths, letter for letter. */
export interface HealthOptions {
  /** Answers 200 for as long as the process answers at all. Default `/livez`. */
  readonly live?: string | undefined
  /** Answers 200 while requests are welcome, else 503. Default `/readyz`. */
  readonly ready?: string | undefined
}

export interface HealthPaths {
  readonly live: string
  readonly ready: string
}

export const healthDefaults: HealthPaths = Object.freeze({ live: '/livez', ready: '/readyz' })

const readPaths = fields<HealthOptions>({ live: exactPath, ready: exactPath })

/** Reads `true`, `false` or the paths; false: no probe is answered. */
export const readHealth: Reader<HealthPaths | false> = (value, path) => {
  if (value === false) return false
  if (value === true) return healthDefaults
  const { live = healthDefaults.live, ready = healthDefaults.ready } = readPaths(value, path)
  return { live, ready }
}

/** Answers the probes, and lets everything else pass. */
export function answerProbes({ live, ready }: HealthPaths, health: () => MeshHealth): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const path = rawPathOf(inbound.target)
    const isProbe = (path === live || path === ready) && (inbound.method === 'GET' || inbound.method === 'HEAD')
    if (!isProbe) return next(inbound)
    const answer = answerOf(health(), path === ready)
    return { status: answer.status, route: path, aborted: false, answer }
  }
}

function answerOf(health: MeshHealth, mustBeReady: boolean): Answer {
  return {
    status: mustBeReady && !health.ready ? 503 : 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(health),
  }
}
