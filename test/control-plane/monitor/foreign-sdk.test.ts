import { describe, expect, it } from 'vitest'
import { start } from '../../support/processes.js'
import { running } from '../running.js'

const PROGRAM = 'test/control-plane/monitor/programs/foreign-services.ts'

describe('services outside the mesh, with an SDK of OpenTelemetry', () => {
  it.each(['json', 'protobuf'])('show by %s, with their true names and numbers', { timeout: 60_000 }, async (encoding) => {
    const { ask, controlPlane } = await running()
    const program = start(PROGRAM, [controlPlane.url, encoding, '200'], { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' })
    expect(await program.ended).toMatchObject({ code: 0, stdout: 'sent\n', stderr: '' })
    const get = async (path: string): Promise<unknown> => JSON.parse((await ask(path)).body)
    expect(await get('/api/edges')).toMatchObject([{ caller: 'shop', callee: 'stock', calls: 200, attempts: 200, errors: 20, successRatio: 0.9 }])
    const services = (await get('/api/services')) as { service: string }[]
    expect(services.find(({ service }) => service === 'stock')).toMatchObject({ count: 200, errors: 20 })
    const series = (await get('/api/series?service=shop&metric=http.client.request.duration')) as { points: { value: object }[] }[]
    const counts = series.map(({ points }) => (points.at(-1)!.value as { count: number; buckets: number[] }))
    expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(200)
    expect(counts.every(({ count, buckets }) => buckets.reduce((sum, one) => sum + one, 0) === count)).toBe(true)
    const [trace] = (await get('/api/traces?failed=true&limit=1')) as Record<string, unknown>[]
    expect(trace).toMatchObject({ services: expect.arrayContaining(['shop', 'stock']), spans: 2, attempts: 1 })
  })
})
