import type { Random } from '../../../src/base/random.js'
import type { Draw } from './distributions.js'
import type { ServerShape } from './server.js'
import type { World } from './simulation.js'

/** Something that happens to the servers or their clients: it plans its doings on the agenda before the start. */
export type Disturbance = (world: World, random: Random) => void

export interface Scenario {
  readonly name: string
  /** What it is, in a few words. */
  readonly about: string
  readonly clients: number
  readonly servers: readonly ServerShape[]
  /** Requests of all clients together. */
  readonly perSec: number
  /** Factor of the rate at a time, where it changes; at most `peakRate`. */
  readonly rateAt?: (atMs: number) => number
  readonly peakRate?: number
  readonly work: Draw
  readonly warmMs: number
  readonly measuredMs: number
  readonly timeoutMs: number
  /** Whether servers throw away what its caller has given up before work on it began. */
  readonly dropsSettled?: boolean
  /** More on the way to and from a server of another zone; clients take turns over the zones. */
  readonly farMs?: number
  readonly zones?: number
  /** Share of servers whose replies carry load reports, where the policy knows reports. Default 1. */
  readonly reportingRatio?: number
  readonly disturbances: readonly Disturbance[]
  /** Whether it counts for the means over all: one of the 21. */
  readonly ranked: boolean
}
