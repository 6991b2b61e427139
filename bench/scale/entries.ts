export type Entry = Readonly<Record<string, unknown>>

/** What a registry says of so many instances, as it comes off the wire: in three zones of one region, with a version and a name each. */
export function entriesOf(count: number): Entry[] {
  const entries = Array.from({ length: count }, (_, i) => ({
    id: `users-${i}@node-${i % 500}`,
    host: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
    port: 8080,
    weight: 1,
    zone: `eu-${'abc'[i % 3]}`,
    region: 'eu',
    metadata: { version: '1.4.2', pod: `users-${i}` },
  }))
  return JSON.parse(JSON.stringify(entries)) as Entry[]
}

/** The same list as a watch would tell it next: one in a hundred is another object with another weight. */
export function onePercentChanged(entries: readonly Entry[], weight: number): Entry[] {
  return entries.map((entry, i) => (i % 100 === 0 ? { ...entry, weight } : entry))
}
