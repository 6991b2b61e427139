import type { Fleet } from './balancer/fleet.js'
import type { Node, NodeState } from './balancer/node.js'
import { scorePartsAt, unitCostMs, type ScoreParts } from './balancer/score.js'
import { addressOf } from './call/endpoint.js'

/** How one endpoint is doing, as this process sees it. */
export interface EndpointReport {
  readonly id: string
  readonly address: string
  /** `draining`: finishes what it has. `ejected`: out of rotation for doing worse than the others, or because it asked for it. */
  readonly state: NodeState
  readonly weight: number
  readonly zone: string | undefined
  readonly region: string | undefined
  readonly priority: number
  /** Attempts under way. */
  readonly inFlight: number
  /** Mean time to response headers; undefined before the first answer. */
  readonly latencyMs: number | undefined
  /** Recent share of successes, 0–1. */
  readonly successRatio: number
  /** What the `adaptive` algorithm thinks of it. */
  readonly score: ScoreReport
}

/** What one more request costs: `latencyMs × (in flight + 1) / success³ / ramp / weight × report`; the least is picked. */
export interface ScoreReport extends ScoreParts {
  readonly costMs: number
}

export function endpointReport(node: Node, fleet: Fleet, nowMs: number): EndpointReport {
  const { id, endpoint, state, weight, inFlight, latency, success } = node
  const parts = scorePartsAt(nowMs, node, fleet)
  return {
    id,
    address: addressOf(endpoint),
    state,
    weight,
    zone: endpoint.zone,
    region: endpoint.region,
    priority: endpoint.priority,
    inFlight,
    latencyMs: latency.samples === 0 ? undefined : latency.meanMs,
    successRatio: success.ratioAt(nowMs),
    score: { costMs: unitCostMs(parts) * (inFlight + 1), ...parts },
  }
}
