import type { Endpoint } from './endpoint.js'
import type { ServiceOptions } from './policy.js'

/** The whole truth about one service at one moment, as a registry tells it. */
export interface Snapshot {
  readonly service: string
  /** Grows with every change; a lower one than the last is news from the past. */
  readonly revision: number
  /** Empty means that the registry says "none"; an unreachable registry yields no snapshot at all. */
  readonly endpoints: readonly Endpoint[]
  /** What the registry asks of callers; DNS has nothing to say, a file may. */
  readonly policy: ServiceOptions
  /** Why each malformed entry, or the policy, was left out; absent when none was. */
  readonly refused?: readonly string[]
}
