import { context, metrics, propagation, trace } from '@opentelemetry/api'
import { systemClock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { settlesWithin } from '../base/settles-within.js'
import { fields, flag, httpUrl, mapOf, positiveMs, ratio, required, text } from '../base/validate.js'
import { loadSdk } from './sdk-packages.js'

export interface TelemetryOptions {
  /** Name of this service, as its mesh has it. */
  readonly service: string
  /** Where OTLP over HTTP is taken, without `/v1/traces`. Default: `OTEL_EXPORTER_OTLP_ENDPOINT`, else `http://127.0.0.1:4318`. */
  readonly endpoint?: string | undefined
  /** Header fields for it, such as a key. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** More to be said of this process, such as `service.version`. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** Share of the traces, 0–1, that begin here and are recorded; those of callers are as they decided. Default 1. */
  readonly sampleRatio?: number | undefined
  /** How long spans are gathered. Default 1000 ms. */
  readonly spanIntervalMs?: number | undefined
  /** How often metrics are sent. Default 15 000 ms. */
  readonly metricIntervalMs?: number | undefined
  /** Whether metrics are sent at all. Default true. */
  readonly metrics?: boolean | undefined
}

/** An SDK that was started. */
export interface Telemetry {
  /** Sends what is left, for no longer than three seconds, and takes the SDK away. */
  shutdown(): Promise<void>
}

/** {@link TelemetryOptions} with every default in its place. */
type TelemetrySettings = { readonly [K in keyof TelemetryOptions]-?: Exclude<TelemetryOptions[K], undefined> }

export const telemetryDefaults = Object.freeze({
  endpoint: 'http://127.0.0.1:4318',
  headers: {},
  attributes: {},
  sampleRatio: 1,
  spanIntervalMs: 1_000,
  metricIntervalMs: 15_000,
  metrics: true,
})

/** Time for one export; what takes longer is lost, and what does not fit into the queue of 2048 spans meanwhile. */
const EXPORT_TIMEOUT_MS = 5_000
const SHUTDOWN_MS = 3_000

const readOptions = fields<TelemetryOptions>({
  service: text,
  endpoint: httpUrl,
  headers: mapOf(text, text),
  attributes: mapOf(text, text),
  sampleRatio: ratio,
  spanIntervalMs: positiveMs,
  metricIntervalMs: positiveMs,
  metrics: flag,
})

/**
 * Registers an OpenTelemetry SDK in this process: W3C trace context and baggage, spans in batches and metrics, both sent over
 * OTLP/HTTP. For those who have no set-up of their own; whoever has one leaves this out. A collector that is down or slow costs
 * what it would have been told, and never a call. Rejects with `MESH_ERR_OPTION`, also when packages are missing, which it names,
 * and when an SDK is registered already.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const given = readOptions(options, '')
  const service = required(given.service, 'service', "this service's name")
  // What a reader gives has no field that is undefined.
  const settings = { ...telemetryDefaults, ...given, endpoint: given.endpoint ?? endpointOfEnvironment() } as TelemetrySettings
  const sdk = await loadSdk()
  const resource = sdk.resourceFromAttributes({ 'service.name': service, ...settings.attributes })
  const base = settings.endpoint.replace(/\/+$/, '')
  const exporterTo = (path: string) => ({ url: base + path, headers: { ...settings.headers }, timeoutMillis: EXPORT_TIMEOUT_MS })

  const spans = new sdk.BatchSpanProcessor(new sdk.OTLPTraceExporter(exporterTo('/v1/traces')), {
    scheduledDelayMillis: settings.spanIntervalMs,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const sampler = new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(settings.sampleRatio) })
  const tracerProvider = new sdk.BasicTracerProvider({ resource, sampler, spanProcessors: [spans] })
  if (!trace.setGlobalTracerProvider(tracerProvider)) {
    await tracerProvider.shutdown()
    throw new MeshError('MESH_ERR_OPTION', 'an OpenTelemetry SDK is registered already, and the mesh uses it: startTelemetry is not needed')
  }
  context.setGlobalContextManager(new sdk.AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new sdk.CompositePropagator({ propagators: [new sdk.W3CTraceContextPropagator(), new sdk.W3CBaggagePropagator()] }))

  const providers: { shutdown(): Promise<void> }[] = [tracerProvider]
  if (settings.metrics) {
    const exporter = new sdk.OTLPMetricExporter(exporterTo('/v1/metrics'))
    const exportTimeoutMillis = Math.min(EXPORT_TIMEOUT_MS, settings.metricIntervalMs)
    const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: settings.metricIntervalMs, exportTimeoutMillis })
    const meterProvider = new sdk.MeterProvider({ resource, readers: [reader] })
    metrics.setGlobalMeterProvider(meterProvider)
    providers.push(meterProvider)
  }

  let ending: Promise<void> | undefined
  const end = async (): Promise<void> => {
    const sent = Promise.allSettled(providers.map((provider) => provider.shutdown()))
    await settlesWithin(systemClock, SHUTDOWN_MS, sent)
    for (const api of [trace, metrics, context, propagation]) api.disable()
  }
  return { shutdown: () => (ending ??= end()) }
}

function endpointOfEnvironment(): string {
  const named = process.env['OTEL_EXPORTER_OTLP_ENDPOINT']
  return named === undefined || named === '' ? telemetryDefaults.endpoint : httpUrl(named, 'OTEL_EXPORTER_OTLP_ENDPOINT')
}
