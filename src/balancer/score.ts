import type { SlowStartPolicy } from '../call/policy.js'
import type { Node } from './node.js'
import { rampAt } from './slow-start.js'

/** What an endpoint's score is reckoned against. */
export interface Standard {
  /** Mean latency of the service; 0 while there is none. */
  readonly meanMs: number
  /** When this process last stood still. */
  readonly stalledUntilMs: number
  readonly slowStart: SlowStartPolicy
  /** Mean ramp of all endpoints, up to 1: the more of them are new, the less it counts that one is. */
  readonly meanRamp: number
}

/** Why an endpoint's score is what it is: `latencyMs × (in flight + 1) / success³ / ramp / weight × report`. */
export interface ScoreParts {
  /** Time that an answer is expected to take, by its own past, the fleet's, or the age of what it has not yet answered. */
  readonly latencyMs: number
  /** Whether `latencyMs` is the age of its oldest unanswered attempt. */
  readonly stalled: boolean
  /** Recent share of successes, at least 0.02. */
  readonly success: number
  /** Share of its due while it is new, 0.1–1. */
  readonly ramp: number
  readonly weight: number
  /** Above 1: it says that it has more to do than usual; below 1: less. */
  readonly report: number
}

/** An unanswered attempt is a sign of trouble when it is this many times older than an answer usually takes. */
const STALL_RATIO = 3
const LEAST_SUCCESS = 0.02
/** No answer is so fast that nothing else counts, and a virtual clock may well measure 0. */
const LEAST_LATENCY_MS = 0.05
/** A weight of 0 is offered only among its equals; it must not make every cost infinite. */
const LEAST_WEIGHT = 1e-6

export function scorePartsAt(nowMs: number, node: Node, standard: Standard): ScoreParts {
  const expectedMs = Math.max(LEAST_LATENCY_MS, node.latency.expectedAt(nowMs, standard.meanMs))
  const usualMs = node.report === undefined ? expectedMs : Math.max(expectedMs, node.report.expectedMsAt(nowMs))
  const waitedMs = nowMs - Math.max(node.waiting.oldestAtMs, standard.stalledUntilMs)
  const stalled = waitedMs > STALL_RATIO * usualMs
  return {
    latencyMs: stalled ? waitedMs : usualMs,
    stalled,
    success: Math.max(LEAST_SUCCESS, node.success.ratioAt(nowMs)),
    // When all were restarted within seconds, the few that have been up for longest could not bear what the others are spared.
    ramp: rampAt(nowMs - node.sinceMs, standard.slowStart) ** standard.meanRamp,
    weight: Math.max(LEAST_WEIGHT, node.weight),
    report: node.report?.factorAt(nowMs, standard.meanMs) ?? 1,
  }
}

/** What one more request in flight costs, by its parts. */
export function unitCostMs({ latencyMs, success, ramp, weight, report }: ScoreParts): number {
  return (latencyMs * report) / (success ** 3 * ramp * weight)
}
