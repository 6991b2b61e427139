import type * as asyncHooks from '@opentelemetry/context-async-hooks'
import type * as core from '@opentelemetry/core'
import type * as metricExporter from '@opentelemetry/exporter-metrics-otlp-http'
import type * as traceExporter from '@opentelemetry/exporter-trace-otlp-http'
import type * as resources from '@opentelemetry/resources'
import type * as sdkMetrics from '@opentelemetry/sdk-metrics'
import type * as sdkTrace from '@opentelemetry/sdk-trace-base'
import { MeshError } from '../base/errors.js'

/** As much of an SDK as is used. */
export type Sdk = Pick<typeof asyncHooks, 'AsyncLocalStorageContextManager'> &
  Pick<typeof core, 'CompositePropagator' | 'W3CBaggagePropagator' | 'W3CTraceContextPropagator'> &
  Pick<typeof metricExporter, 'OTLPMetricExporter'> &
  Pick<typeof traceExporter, 'OTLPTraceExporter'> &
  Pick<typeof resources, 'resourceFromAttributes'> &
  Pick<typeof sdkMetrics, 'MeterProvider' | 'PeriodicExportingMetricReader'> &
  Pick<typeof sdkTrace, 'BasicTracerProvider' | 'BatchSpanProcessor' | 'ParentBasedSampler' | 'TraceIdRatioBasedSampler'>

/** The optional packages that an SDK is made of; loaded when it is started and not before. */
export async function loadSdk(): Promise<Sdk> {
  const loaded = await allOrMissing([
    ['@opentelemetry/context-async-hooks', import('@opentelemetry/context-async-hooks')],
    ['@opentelemetry/core', import('@opentelemetry/core')],
    ['@opentelemetry/exporter-metrics-otlp-http', import('@opentelemetry/exporter-metrics-otlp-http')],
    ['@opentelemetry/exporter-trace-otlp-http', import('@opentelemetry/exporter-trace-otlp-http')],
    ['@opentelemetry/resources', import('@opentelemetry/resources')],
    ['@opentelemetry/sdk-metrics', import('@opentelemetry/sdk-metrics')],
    ['@opentelemetry/sdk-trace-base', import('@opentelemetry/sdk-trace-base')],
  ])
  return Object.assign({}, ...loaded) as Sdk
}

/** What was loaded, or the error that names everything that is missing. */
export async function allOrMissing(loads: readonly (readonly [name: string, loading: Promise<object>])[]): Promise<readonly object[]> {
  const settled = await Promise.allSettled(loads.map(([, loading]) => loading))
  const failed = settled.flatMap((result, i) => (result.status === 'rejected' ? [{ name: loads[i]![0], cause: result.reason as unknown }] : []))
  if (failed.length > 0) {
    const names = failed.map(({ name }) => name).join(' ')
    throw new MeshError('MESH_ERR_OPTION', `startTelemetry needs packages that cannot be loaded: npm install ${names}`, { cause: failed[0]!.cause })
  }
  return settled.map((result) => (result as PromiseFulfilledResult<object>).value)
}
