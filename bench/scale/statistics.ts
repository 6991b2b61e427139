/** The middle one, and the least: what a machine with nothing else to do would need is nearer to the least. */
export interface Spread {
  readonly median: number
  readonly least: number
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, least: sorted[0]! }
}
