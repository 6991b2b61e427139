import { metrics as api, type Attributes } from '@opentelemetry/api'
import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader, type Histogram } from '@opentelemetry/sdk-metrics'
import { afterEach, describe, expect, it } from 'vitest'
import { Metrics } from '../../src/telemetry/metrics.js'
import type { Observation } from '../../src/telemetry/collected.js'

afterEach(() => api.disable())

/** Registers the real SDK, as an application does. */
function registerMeters() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  api.setGlobalMeterProvider(provider)
  return {
    async points(name: string): Promise<readonly { readonly attributes: Attributes; readonly value: unknown }[]> {
      exporter.reset()
      await reader.forceFlush()
      const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics).flatMap(({ metrics }) => metrics)
      return all.find(({ descriptor }) => descriptor.name === name)?.dataPoints.map(({ attributes, value }) => ({ attributes, value })) ?? []
    },
  }
}

function metricsOf(observe: () => Iterable<Observation> = () => []): Metrics {
  return new Metrics({ version: '1.2.3', observe })
}

function send(metrics: Metrics, seconds: number): void {
  metrics.record('clientDuration', metrics.histogram('clientDuration').at({ 'server.address': 'users' }), seconds)
}

describe('a meter provider of the application', () => {
  it('is told of histograms, counters and gauges under the same names', async () => {
    const metrics = metricsOf(() => [{ key: 'callsInFlight', labels: { 'server.address': 'users' }, value: 3 }])
    const meters = registerMeters()
    send(metrics, 0.02)
    metrics.count('retries', { 'server.address': 'users' })
    metrics.count('retries', { 'server.address': 'users' })
    const [duration] = await meters.points('http.client.request.duration')
    expect(duration!.attributes).toEqual({ 'server.address': 'users' })
    expect(duration!.value).toMatchObject({ count: 1, sum: 0.02 })
    expect((duration!.value as Histogram).buckets.boundaries).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
    expect(await meters.points('mesh.retries')).toEqual([{ attributes: { 'server.address': 'users' }, value: 2 }])
    expect(await meters.points('mesh.calls.in_flight')).toEqual([{ attributes: { 'server.address': 'users' }, value: 3 }])
  })

  it('may be registered later: what was counted before is there, and a second one takes over', async () => {
    const metrics = metricsOf()
    metrics.count('retries', { 'server.address': 'users' })
    const first = registerMeters()
    metrics.count('retries', { 'server.address': 'users' })
    expect(await first.points('mesh.retries')).toMatchObject([{ value: 2 }])
    api.disable()
    const second = registerMeters()
    send(metrics, 0.1)
    metrics.count('retries', { 'server.address': 'users' })
    expect(await second.points('mesh.retries')).toMatchObject([{ value: 3 }])
    // Not told any more: the SDK repeats what it knew.
    expect(await first.points('mesh.retries')).toMatchObject([{ value: 2 }])
    expect(await first.points('http.client.request.duration')).toEqual([])
    expect(await second.points('http.client.request.duration')).toMatchObject([{ value: { count: 1 } }])
  })

  it('is told nothing after the mesh has closed', async () => {
    const metrics = metricsOf()
    const meters = registerMeters()
    metrics.count('retries', { 'server.address': 'users' })
    metrics.close()
    send(metrics, 0.1)
    expect(await meters.points('mesh.retries')).toEqual([])
    expect(await meters.points('http.client.request.duration')).toEqual([])
    expect(metrics.histogram('clientDuration').all[0]!.count).toBe(1)
  })

  it('harms nobody when it throws', () => {
    const broken = (): never => {
      throw new Error('broken SDK')
    }
    api.setGlobalMeterProvider({ getMeter: broken })
    const metrics = metricsOf()
    expect(() => send(metrics, 0.1)).not.toThrow()
    api.disable()
    const meter = new Proxy({}, { get: (_, name) => (name === 'createHistogram' ? () => ({ record: broken }) : () => ({})) })
    api.setGlobalMeterProvider({ getMeter: () => meter as never })
    expect(() => send(metrics, 0.1)).not.toThrow()
    expect(metrics.histogram('clientDuration').all[0]!.count).toBe(2)
  })
})
