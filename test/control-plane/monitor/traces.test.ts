import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Span } from '../../../src/control-plane/monitor/span.js'
import { Traces } from '../../../src/control-plane/monitor/traces.js'

const span = (traceId: string, spanId: string, name = ''): Span => ({
  traceId,
  spanId,
  parentSpanId: undefined,
  service: 'users',
  name,
  kind: 'server',
  startAt: 0,
  durationMs: 1,
  failed: false,
  statusMessage: '',
  attributes: {},
  events: [],
})

describe('the traces kept', () => {
  it('are the newest that fit, whole span by whole span', () => {
    const traces = new Traces({ maxBytes: 2_000 })
    for (let i = 0; i < 1_000; i++) traces.add(span(`trace-${i}`, 'a'))
    const kept = [...traces.spans()].map(({ traceId }) => traceId)
    expect(kept.length).toBeGreaterThan(1)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `trace-${1_000 - kept.length + i}`))
    expect(traces.trace('trace-0')).toBeUndefined()
    expect([...traces.newest()]).toEqual([...kept].reverse())
  })

  it('never hold more than their bound, were a single span larger than it', () => {
    const traces = new Traces({ maxBytes: 2_000 })
    traces.add(span('a', 'a'))
    traces.add(span('b', 'b', 'x'.repeat(5_000)))
    expect([...traces.spans()]).toEqual([])
    expect([...traces.newest()]).toEqual([])
  })

  it('agree, span by span and trace by trace, whatever came', () => {
    const id = fc.nat(5).map(String)
    fc.assert(
      fc.property(fc.array(fc.tuple(id, id, fc.string({ maxLength: 300 })), { maxLength: 60 }), (added) => {
        const traces = new Traces({ maxBytes: 3_000 })
        for (const [traceId, spanId, name] of added) traces.add(span(traceId, spanId, name))
        const bySpan = new Set(traces.spans())
        const byTrace = new Set([...traces.newest()].flatMap((traceId) => [...traces.trace(traceId)!.values()]))
        expect(byTrace).toEqual(bySpan)
        expect(bySpan.size).toBeLessThanOrEqual(Math.floor(3_000 / 400))
      }),
    )
  })
})
