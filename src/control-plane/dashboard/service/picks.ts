import type { InstanceRow, Pick } from '../../monitor/answers.js'

/** The newest choice of an instance by any caller. */
export function newestPick({ callers }: InstanceRow): Pick | undefined {
  return callers.reduce<Pick | undefined>((newest, { pick }) => (pick !== null && pick.at > (newest?.at ?? 0) ? pick : newest), undefined)
}

/** What its callers last knew to be in flight there, all together; undefined when none of them says. */
export function sumInFlight({ callers }: InstanceRow): number | undefined {
  const known = callers.flatMap(({ pick }) => (pick?.inFlight == null ? [] : [pick.inFlight]))
  return known.length === 0 ? undefined : known.reduce((sum, one) => sum + one, 0)
}

export interface CostFactor {
  readonly name: string
  readonly value: number
  /** Whether it makes the instance dearer (above 1) or cheaper. */
  readonly times: number
  readonly kind: 'ms' | 'ratio'
}

/** Parts of the cost, in the order in which they are multiplied; only those that are known. */
export function costFactors({ latencyMs, inFlight, successRatio, ramp, weight, report }: Pick): readonly CostFactor[] {
  const given = (name: string, value: number | null | undefined, times: (value: number) => number): CostFactor[] =>
    value == null ? [] : [{ name, value, times: times(value), kind: 'ratio' }]
  return [
    ...(latencyMs == null ? [] : [{ name: 'expected latency', value: latencyMs, times: latencyMs, kind: 'ms' as const }]),
    ...given('in flight', inFlight, (value) => value + 1),
    ...given('success', successRatio, (value) => 1 / Math.max(value, 0.02) ** 3),
    ...given('slow start', ramp, (value) => 1 / Math.max(value, 0.01)),
    ...given('weight', weight, (value) => 1 / Math.max(value, 1e-6)),
    ...given('its own report', report, (value) => value),
  ]
}

/** How many times dearer an instance is than the cheapest that the same caller knows. */
export function timesCheapest(caller: string, pick: Pick, all: readonly InstanceRow[]): number | undefined {
  if (pick.costMs == null) return undefined
  const costs = all.flatMap(({ callers }) => callers).flatMap((one) => (one.caller === caller && one.pick?.costMs != null ? [one.pick.costMs] : []))
  const cheapest = Math.min(...costs)
  return costs.length < 2 || cheapest <= 0 ? undefined : pick.costMs / cheapest
}
