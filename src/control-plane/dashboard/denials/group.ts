import type { DenialRow } from '../../monitor/answers.js'

/** Denials of the same caller by the same service for the same reason. */
export interface DenialGroup {
  readonly caller: string | null
  readonly service: string
  readonly code: string
  readonly reason: string | null
  readonly count: number
  readonly lastAt: number
}

/** Most often denied first. */
export function groupDenials(denials: readonly DenialRow[]): readonly DenialGroup[] {
  const groups = new Map<string, DenialGroup>()
  for (const { caller, service, code, reason, at } of denials) {
    const key = JSON.stringify([caller, service, code, reason])
    const known = groups.get(key)
    groups.set(key, { caller, service, code, reason, count: (known?.count ?? 0) + 1, lastAt: Math.max(known?.lastAt ?? 0, at) })
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || b.lastAt - a.lastAt)
}
