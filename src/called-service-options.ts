import { callable, fields, type Reader } from './base/validate.js'
import { withoutContradiction } from './call/policy-pairs.js'
import type { ServiceOptions } from './call/policy.js'
import { serviceReaders } from './call/service-options.js'
import type { Fallback } from './resilience/fallback.js'

/** What is wanted for calls to one service: policy, which a registry can tell too, and what only code can. */
export type CalledServiceOptions = ServiceOptions & {
  /** Answers calls that the breaker refuses, or that fail because of the service. Default: they fail. */
  readonly fallback?: Fallback | undefined
}

const readFields = fields<CalledServiceOptions>({
  ...serviceReaders,
  fallback: callable<Fallback>('a function (call, error) that gives an answer'),
})

/** Reads what `createMesh` is told about a service. */
export const calledServiceOptions: Reader<CalledServiceOptions> = (value, path) => withoutContradiction(readFields(value, path), path)
