/** Header by which an instance tells its load with an answer, as Open Request Cost Aggregation (ORCA) has it. */
export const LOAD_REPORT_HEADER = 'endpoint-load-metrics'

/** Name under which the requests in flight stand among ORCA's named metrics. */
const IN_FLIGHT = 'inflight'
/** A report of ours takes some 60 characters; what is much longer is not read. */
const MOST_CHARACTERS = 4_096

/** What an instance says about its load; undefined where it says nothing. */
export interface LoadReport {
  /** Requests that it has in flight. */
  readonly inFlight?: number | undefined
  /** How busy it is, 0 and up, 1 being all that it can do. */
  readonly utilization?: number | undefined
}

/** The TEXT form, which Envoy and gRPC understand too: `TEXT application_utilization=0.310, named_metrics.inflight=3`. */
export function formatLoadReport({ inFlight, utilization }: LoadReport): string {
  const metrics: string[] = []
  if (utilization !== undefined) metrics.push(`application_utilization=${utilization.toFixed(3)}`)
  if (inFlight !== undefined) metrics.push(`named_metrics.${IN_FLIGHT}=${inFlight}`)
  return `TEXT ${metrics.join(', ')}`
}

/**
 * Reads the TEXT form or the JSON form (`JSON {"cpu_utilization":0.3,"named_metrics":{"inflight":3}}`). What cannot be read
 * says nothing: undefined.
 */
export function parseLoadReport(value: string | readonly string[] | undefined): LoadReport | undefined {
  if (typeof value !== 'string' || value.length > MOST_CHARACTERS) return undefined
  const metrics = metricsOf(value)
  if (metrics === undefined) return undefined
  const inFlight = amount(metrics.inFlight)
  // The application knows better than the machine (gRPC A58).
  const utilization = amount(metrics.application) ?? amount(metrics.cpu)
  return inFlight === undefined && utilization === undefined ? undefined : { inFlight, utilization }
}

/** The figures as they stand there, whatever they are. */
type Metrics = Readonly<Record<'inFlight' | 'application' | 'cpu', unknown>>

const TEXT_FIELDS = {
  inFlight: textField(`named_metrics\\.${IN_FLIGHT}`),
  application: textField('application_utilization'),
  cpu: textField('cpu_utilization'),
}

// Envoy takes a colon for the sign as well.
function textField(name: string): RegExp {
  return new RegExp(`[ ,]${name} *[=:] *([\\d.eE+-]+) *(?:,|$)`)
}

function metricsOf(value: string): Metrics | undefined {
  if (value.startsWith('TEXT ')) return textMetrics(value)
  return value.startsWith('JSON ') ? jsonMetrics(value.slice(5)) : undefined
}

function textMetrics(text: string): Metrics {
  const figure = (field: RegExp): number => Number(field.exec(text)?.[1])
  return { inFlight: figure(TEXT_FIELDS.inFlight), application: figure(TEXT_FIELDS.application), cpu: figure(TEXT_FIELDS.cpu) }
}

function jsonMetrics(text: string): Metrics | undefined {
  let report: unknown
  try {
    report = JSON.parse(text)
  } catch {
    return undefined
  }
  // Protobuf's JSON mapping knows each field under two names.
  const either = (name: string, camelCase: string): unknown => member(report, name) ?? member(report, camelCase)
  return {
    inFlight: member(either('named_metrics', 'namedMetrics'), IN_FLIGHT),
    application: either('application_utilization', 'applicationUtilization'),
    cpu: either('cpu_utilization', 'cpuUtilization'),
  }
}

function member(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, name)) return undefined
  return (holder as Record<string, unknown>)[name]
}

function amount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
