import { exponential, type Draw } from '../engine/distributions.js'
import type { Disturbance, Scenario } from '../engine/scenario.js'
import type { ServerShape } from '../engine/server.js'
import { capacityPerSec } from './fleets.js'

const WARM_MS = 12_000
const MEASURED_MS = 28_000
const TIMEOUT_MS = 5_000
const MEAN_WORK_MS = 10

/** What a scenario differs by from 10 clients, exponential work of 10 ms, 12 s of warming up and 28 s measured. */
export interface Difference {
  readonly servers: readonly ServerShape[]
  readonly clients?: number
  readonly work?: Draw
  /** Share of the capacity at 10 ms a request; or the rate itself. */
  readonly load?: number
  readonly perSec?: number
  readonly rateAt?: (atMs: number) => number
  readonly peakRate?: number
  readonly warmMs?: number
  readonly measuredMs?: number
  readonly timeoutMs?: number
  readonly dropsSettled?: boolean
  readonly farMs?: number
  readonly zones?: number
  readonly reportingRatio?: number
  readonly disturbances?: (warmMs: number, measuredMs: number) => readonly Disturbance[]
  readonly ranked?: boolean
}

/** A scenario, in a shorter or longer version of it. */
export function scenario(name: string, about: string, difference: Difference): (scale: number) => Scenario {
  const { servers, load = 1, clients = 10, work = exponential(MEAN_WORK_MS), timeoutMs = TIMEOUT_MS } = difference
  const { perSec = load * capacityPerSec(servers, MEAN_WORK_MS), disturbances = () => [], ranked = true } = difference
  return (scale) => {
    const warmMs = scale * (difference.warmMs ?? WARM_MS)
    const measuredMs = scale * (difference.measuredMs ?? MEASURED_MS)
    const times = { warmMs, measuredMs, timeoutMs, disturbances: disturbances(warmMs, measuredMs) }
    return { ...difference, name, about, servers, clients, work, perSec, ranked, ...times }
  }
}
