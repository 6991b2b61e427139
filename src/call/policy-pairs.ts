import { optionError } from '../base/validate.js'

/** Values of which the first may not be more than the second, by their dotted paths. */
const PAIRS: readonly (readonly [least: string, most: string])[] = [
  // An attempt that may last longer than its call is one that nobody can wait for.
  ['attemptTimeoutMs', 'timeoutMs'],
  ['outlier.baseEjectionMs', 'outlier.maxEjectionMs'],
  ['retry.backoffMs', 'retry.maxBackoffMs'],
]

type Branch = Record<string, unknown>

function valueAt(options: object | undefined, path: string): number | undefined {
  return path.split('.').reduce<unknown>((part, key) => (part as Branch | undefined)?.[key], options) as number | undefined
}

/** Gives back what one source says, or throws `MESH_ERR_OPTION` when two of its values contradict each other. */
export function withoutContradiction<T extends object>(options: T, path: string): T {
  const full = (field: string): string => (path === '' ? field : `${path}.${field}`)
  for (const [least, most] of PAIRS) {
    const [low, high] = [valueAt(options, least), valueAt(options, most)]
    if (low !== undefined && high !== undefined && low > high) throw optionError(full(least), `at most ${full(most)} of ${high}`, low)
  }
  return options
}

/**
 * Lets the weaker of two values give way where they contradict each other: a default to what somebody has said, and the
 * registry's to the user's. Writes into both arguments; `strengths` tells how strong the source of each value is.
 */
export function settleContradictions(
  policy: object,
  origins: Record<string, string>,
  strengths: Readonly<Record<string, number>>,
): void {
  for (const [least, most] of PAIRS) {
    const [low, high] = [valueAt(policy, least)!, valueAt(policy, most)!]
    if (low <= high) continue
    const [weaker, stronger, value] = strengths[least]! < strengths[most]! ? [least, most, high] : [most, least, low]
    const keys = weaker.split('.')
    const branch = keys.slice(0, -1).reduce<Branch>((part, key) => part[key] as Branch, policy as Branch)
    branch[keys.at(-1)!] = value
    origins[weaker] += `, adapted to ${stronger}`
  }
}
