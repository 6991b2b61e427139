/** ` (did you mean 'edges'?)`, when one of the words is near enough to what was written; otherwise nothing. */
export function didYouMean(written: string, words: readonly string[]): string {
  const [nearest] = words.map((word) => ({ word, away: distance(written, word) })).sort((a, b) => a.away - b.away)
  const isNear = nearest !== undefined && nearest.away <= Math.max(1, Math.floor(nearest.word.length / 3))
  return isNear ? ` (did you mean '${nearest.word}'?)` : ''
}

/** How many letters have to be put in, taken out, changed or swapped with their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    rows.push(row)
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1))
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwapped) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1)
    }
  }
  return rows[a.length]![b.length]!
}
