import { MeshError } from '../base/errors.js'

/** The optional packages that an SDK is made of; loaded when it is started and not before. */
export async function loadSdk() {
  const [asyncHooks, core, metricExporter, traceExporter, resources, sdkMetrics, sdkTrace] = await allOrMissing([
    ['@opentelemetry/context-async-hooks', import('@opentelemetry/context-async-hooks')],
    ['@opentelemetry/core', import('@opentelemetry/core')],
    ['@opentelemetry/exporter-metrics-otlp-http', import('@opentelemetry/exporter-metrics-otlp-http')],
    ['@opentelemetry/exporter-trace-otlp-http', import('@opentelemetry/exporter-trace-otlp-http')],
    ['@opentelemetry/resources', import('@opentelemetry/resources')],
    ['@opentelemetry/sdk-metrics', import('@opentelemetry/sdk-metrics')],
    ['@opentelemetry/sdk-trace-base', import('@opentelemetry/sdk-trace-base')],
  ])
  return { ...asyncHooks, ...core, ...metricExporter, ...traceExporter, ...resources, ...sdkMetrics, ...sdkTrace }
}

type Loads = readonly (readonly [name: string, loading: Promise<object>])[]
type Loaded<T extends Loads> = { -readonly [I in keyof T]: Awaited<T[I][1]> }

/** All of them, or the error that names every one that is missing. */
export async function allOrMissing<const T extends Loads>(loads: T): Promise<Loaded<T>> {
  const settled = await Promise.allSettled(loads.map(([, loading]) => loading))
  const failed = settled.flatMap((result, i) => (result.status === 'rejected' ? [{ name: loads[i]![0], cause: result.reason as unknown }] : []))
  if (failed.length > 0) {
    const names = failed.map(({ name }) => name).join(' ')
    throw new MeshError('MESH_ERR_OPTION', `startTelemetry needs packages that cannot be loaded: npm install ${names}`, { cause: failed[0]!.cause })
  }
  return settled.map((result) => (result as PromiseFulfilledResult<object>).value) as Loaded<T>
}
