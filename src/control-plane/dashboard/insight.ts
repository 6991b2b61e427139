// What a reader would see by looking long enough: what is well, what is not, and which instance is slower than its equals.
import type { Figures, InstanceRow } from '../monitor/answers.js'

export type Tone = 'good' | 'warn' | 'bad' | 'idle'

const GOOD_RATIO = 0.99
const WARN_RATIO = 0.95

/** How the calls of one kind fare; without any there is nothing to say. */
export function toneOf({ count, errors }: Pick<Figures, 'count' | 'errors'>): Tone {
  if (count === 0) return 'idle'
  const ratio = successOf({ count, errors })
  return ratio >= GOOD_RATIO ? 'good' : ratio >= WARN_RATIO ? 'warn' : 'bad'
}

export function successOf({ count, errors }: Pick<Figures, 'count' | 'errors'>): number {
  return count === 0 ? 1 : (count - errors) / count
}

const SLOW_FACTOR = 2
/** Below this a difference is noise, however many times it is. */
const SLOW_BY_MS = 3
const ENOUGH = 3

/** How many times slower than the others of its service an instance is; undefined when it is not, or too little is known. */
export function slowFactor(instance: InstanceRow, all: readonly InstanceRow[]): number | undefined {
  const others = all.filter((other) => other !== instance && other.service === instance.service && other.count >= ENOUGH)
  if (instance.count < ENOUGH || others.length === 0) return undefined
  const usual = median(others.map(({ p50Ms }) => p50Ms))
  const isSlow = instance.p50Ms > usual * SLOW_FACTOR && instance.p50Ms - usual > SLOW_BY_MS
  return isSlow ? instance.p50Ms / Math.max(usual, 0.01) : undefined
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export type InstanceState = InstanceRow['status'] | 'slow' | 'failing'

/** The one word for an instance: what the registry says of it comes first, then what its callers saw. */
export function stateOf(instance: InstanceRow, all: readonly InstanceRow[]): InstanceState {
  const { status } = instance
  if (status !== 'passing' && status !== 'unregistered') return status
  if (toneOf(instance) === 'bad') return 'failing'
  return slowFactor(instance, all) === undefined ? status : 'slow'
}
