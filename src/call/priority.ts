/** How much a request matters when not all can be served: `low` is given up first, `critical` last. */
export type Priority = 'critical' | 'normal' | 'low'

export const PRIORITIES: readonly Priority[] = ['critical', 'normal', 'low']

/** Header by which a caller says how much its request matters. */
export const PRIORITY_HEADER = 'mesh-priority'

/** What a header field says; whatever is no priority, or said twice, is normal. */
export function priorityOf(value: string | undefined): Priority {
  return value === 'critical' || value === 'low' ? value : 'normal'
}
