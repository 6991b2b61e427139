import { DURATION_BUCKETS, type Instrument } from './instruments.js'
import type { Collected } from './collected.js'
import { HistogramSeries, type Labels } from './series.js'

/** The content type of what {@link prometheusText} writes. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const UNITS: Readonly<Record<string, string>> = { s: 'seconds', '1': 'ratio' }

/**
 * Metrics in Prometheus' text format, named as OpenTelemetry's are there: `http.client.request.duration` in `s` becomes
 * `http_client_request_duration_seconds`.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function prometheusText(collected: readonly Collected[], service: string): string {
  const lines = [
    '# HELP target_info Which service this process is an instance of.',
    '# TYPE target_info gauge',
    `target_info{service_name="${escapeValue(service)}"} 1`,
  ]
  for (const { instrument, series } of collected) {
    if (series.length === 0) continue
    const name = prometheusName(instrument)
    lines.push(`# HELP ${name} ${escapeHelp(instrument.description)}`, `# TYPE ${name} ${instrument.kind}`)
    for (const one of series) {
      if (one instanceof HistogramSeries) pushHistogram(lines, name, one)
      else lines.push(`${name}${braced(pairs(one.labels))} ${number(one.value)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** The name of an instrument there, with its unit, and `_total` for what is counted. */
export function prometheusName({ name, kind, unit }: Instrument): string {
  const base = underscored(name)
  const suffix = kind === 'counter' ? 'total' : UNITS[unit]
  return suffix === undefined || base.endsWith(`_${suffix}`) ? base : `${base}_${suffix}`
}

function pushHistogram(lines: string[], name: string, { labels, buckets, sum, count }: HistogramSeries): void {
  const own = pairs(labels)
  let within = 0
  for (const [i, bound] of DURATION_BUCKETS.entries()) {
    within += buckets[i]!
    lines.push(`${name}_bucket${braced([...own, `le="${bound}"`])} ${within}`)
  }
  lines.push(`${name}_bucket${braced([...own, 'le="+Inf"'])} ${count}`, `${name}_sum${braced(own)} ${number(sum)}`, `${name}_count${braced(own)} ${count}`)
}

function pairs(labels: Labels): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `${underscored(name)}="${escapeValue(String(value))}"`)
}

function braced(pairsOf: readonly string[]): string {
  return pairsOf.length === 0 ? '' : `{${pairsOf.join(',')}}`
}

function underscored(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/g, '_')
}

function number(value: number): string {
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
