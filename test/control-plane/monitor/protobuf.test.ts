import fc from 'fast-check'
import Pbf from 'pbf'
import { beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/control-plane/monitor/otlp.js'
import { metricsRequest, traceRequest } from '../../../src/control-plane/monitor/otlp-schema.js'
import { decode, type Message } from '../../../src/control-plane/monitor/protobuf.js'
import { readPoints } from '../../../src/control-plane/monitor/read-points.js'
import { readSpans } from '../../../src/control-plane/monitor/read-spans.js'
import { running } from '../running.js'
import { exported, type Exported } from './exported.js'

let sent: Exported
beforeAll(async () => {
  sent = await exported()
})

const parsed = (body: Buffer): JsonObject => JSON.parse(body.toString()) as JsonObject

/** What comes of bytes that may be anything: an error of the decoder, or a batch. */
function read(bytes: Uint8Array): void {
  const readers: [Message, (request: JsonObject) => unknown][] = [[traceRequest, readSpans], [metricsRequest, readPoints]]
  for (const [message, reader] of readers) {
    let request: JsonObject
    try {
      request = decode(message, bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(Error)
      continue
    }
    reader(request)
  }
}

describe('OTLP in protobuf', () => {
  it('says of spans what it says in JSON', () => {
    const { taken, refused } = readSpans(decode(traceRequest, sent.traces.protobuf))
    expect(refused).toEqual([])
    expect(taken).toHaveLength(2)
    expect(taken).toEqual(readSpans(parsed(sent.traces.json)).taken)
    expect(taken.find(({ kind }) => kind === 'client')).toMatchObject({ service: 'shöp', failed: true, statusMessage: 'broken', events: [{ name: 'retry' }] })
  })

  it('says of metrics what it says in JSON', () => {
    const { taken, refused } = readPoints(decode(metricsRequest, sent.metrics.protobuf))
    expect(refused).toEqual([])
    expect(taken.map(({ metric }) => metric).sort()).toEqual(['balance', 'calls', 'duration', 'exponential', 'load'])
    expect(taken).toEqual(readPoints(parsed(sent.metrics.json)).taken)
    expect(taken.find(({ metric }) => metric === 'duration')?.value).toMatchObject({ count: 3, buckets: [1, 1, 1], bounds: [0.01, 0.1] })
  })

  it('does no harm when it is cut off anywhere', () => {
    for (const { protobuf } of [sent.traces, sent.metrics]) {
      for (let length = 0; length < protobuf.length; length++) {
        // It is one field, the whole of it.
        if (length > 0) expect(isRefused(protobuf.subarray(0, length)), `${length} bytes`).toBe(true)
        read(protobuf.subarray(0, length))
      }
    }
  })

  it('does no harm when any of its bytes are others', () => {
    const change = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(fc.constantFrom('traces', 'metrics'), fc.array(change, { minLength: 1, maxLength: 8 }), (which, changes) => {
        const bytes = new Uint8Array(sent[which].protobuf)
        for (const { at, value } of changes) bytes[at % bytes.length] = value
        read(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('does no harm, whatever bytes come', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), read), { numRuns: 500 })
  })

  it('is refused when it is nested without end', () => {
    let value: Uint8Array = new Uint8Array()
    // An attribute's list in a list in a list …
    for (let i = 0; i < 200; i++) value = field(5, field(1, value))
    const span = field(1, field(2, field(2, field(9, field(2, value)))))
    expect(() => decode(traceRequest, span)).toThrow('nested too deeply')
  })

  it('is refused when it has more parts than anybody sends', () => {
    expect(() => decode(traceRequest, new Uint8Array(1_010_000).map((_, i) => (i % 2 === 0 ? 0x0a : 0)))).toThrow('too many parts')
  })

  it('is answered in protobuf, good or bad, and the monitor goes on', async () => {
    const { ask } = await running()
    const post = async (path: string, body: Buffer) => ask(path, { method: 'POST', headers: { 'content-type': 'application/x-protobuf' }, body })
    const good = await post('/v1/traces', sent.traces.protobuf)
    expect(good).toMatchObject({ status: 200, body: '', headers: { 'content-type': 'application/x-protobuf', 'content-length': '0' } })
    const bad = await post('/v1/traces', sent.traces.protobuf.subarray(0, 100))
    expect(bad).toMatchObject({ status: 400, headers: { 'content-type': 'application/x-protobuf' } })
    expect(bad.body).toContain('the body is not OTLP in protobuf: it is cut off')
    const logs = await post('/v1/logs', sent.traces.protobuf)
    expect(logs).toMatchObject({ status: 404, headers: { 'content-type': 'application/x-protobuf' } })
    expect(logs.body).toContain('OTEL_LOGS_EXPORTER=none')
    const spanWithoutIds = Buffer.from(field(1, field(2, field(2, field(5, Buffer.from('GET'))))))
    const part = await post('/v1/traces', spanWithoutIds)
    expect([...Buffer.from(part.body)].slice(0, 4)).toEqual([0x0a, expect.any(Number), 0x08, 1])
    expect(part.body).toContain('startTimeUnixNano is not a number of nanoseconds')
    expect(await ask('/api/services')).toMatchObject({ status: 200, body: expect.stringContaining('shöp') })
  })
})

function isRefused(bytes: Uint8Array): boolean {
  try {
    decode(traceRequest, bytes)
    return false
  } catch {
    return true
  }
}

/** A length-delimited field with this content. */
function field(number: number, content: Uint8Array): Uint8Array {
  const pbf = new Pbf()
  pbf.writeBytesField(number, content)
  return new Uint8Array(pbf.finish())
}
