const MS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/**
 * Reads a duration as Consul's API writes it, such as `10s` or `1m30s`, and gives milliseconds; undefined when it is none.
 * Source: {@link https://pkg.go.dev/time#ParseDuration | Go, time.ParseDuration}; negative ones make no sense here.
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined
  let totalMs = 0
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) totalMs += Number(amount) * MS_PER_UNIT[unit!]!
  return totalMs
}
