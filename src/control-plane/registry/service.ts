export type CheckStatus = 'passing' | 'warning' | 'critical'

export interface CheckDefinition {
  /** Unique in the catalog. */
  readonly id: string
  readonly name: string
  readonly notes: string
  /** How long a report of `passing` or `warning` holds; undefined for a check that nobody reports on. */
  readonly ttlMs: number | undefined
  /** How long the check may be critical until its service is taken out; undefined for ever. */
  readonly deregisterAfterMs: number | undefined
}

export interface Check {
  readonly definition: CheckDefinition
  readonly status: CheckStatus
  readonly output: string
  readonly createIndex: number
  readonly modifyIndex: number
}

export interface ServiceDefinition {
  /** Unique in the catalog. */
  readonly id: string
  readonly name: string
  /** Empty means the address of the node. */
  readonly address: string
  readonly port: number
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, string>>
  readonly weights: { readonly passing: number; readonly warning: number }
  readonly enableTagOverride: boolean
}

/** One registered instance. */
export interface Service {
  readonly definition: ServiceDefinition
  readonly checks: ReadonlyMap<string, Check>
  readonly createIndex: number
  readonly modifyIndex: number
}

/** What an instance says when it registers. */
export interface Registration {
  readonly definition: ServiceDefinition
  /** Each with the status that it has if it is new. */
  readonly checks: readonly { readonly definition: CheckDefinition; readonly status: CheckStatus }[]
  /** Whether checks that are not named here go. */
  readonly replacesChecks: boolean
}

/** The worst of a service's checks; one without checks is passing. */
export function statusOf(service: Service): CheckStatus {
  const statuses = [...service.checks.values()].map(({ status }) => status)
  if (statuses.includes('critical')) return 'critical'
  return statuses.includes('warning') ? 'warning' : 'passing'
}
