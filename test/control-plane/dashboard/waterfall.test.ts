import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Span } from '../../../src/control-plane/monitor/span.js'
import { waterfallOf } from '../../../src/control-plane/dashboard/traces/waterfall.js'
import { shopWorld } from './world.js'

function span(spanId: string, parentSpanId: string | undefined, more: Partial<Span> = {}): Span {
  return { traceId: 't', spanId, parentSpanId, service: 's', name: spanId, kind: 'internal', startAt: 1_000, durationMs: 10, failed: false, statusMessage: '', attributes: {}, events: [], ...more }
}

describe('a waterfall', () => {
  it('puts callers above whom they called, and tells a retry from a hedge and both from the first', () => {
    const { rows } = waterfallOf(Object.values(shopWorld(0).spans)[0]!)
    expect(rows.map(({ span: { service }, depth, attempt }) => [service, depth, attempt?.kind, attempt?.instance?.split('@')[0]])).toEqual([
      ['edge', 0, undefined, undefined],
      ['edge', 1, 'first', 'orders-1'],
      ['orders', 2, undefined, undefined],
      ['orders', 3, undefined, undefined],
      ['orders', 4, 'first', 'users-3'],
      ['orders', 4, 'retry', 'users-2'],
      ['users', 5, undefined, undefined],
      ['orders', 4, 'hedge', 'users-1'],
      ['users', 5, undefined, undefined],
    ])
    expect(rows[4]!.result).toBe('attempt timeout')
  })

  it('reads attributes that an exporter wrote as text', () => {
    const attributes = { 'mesh.hedge': 'true', 'http.request.resend_count': '2', 'network.peer.address': '10.0.0.1', 'network.peer.port': 80 }
    expect(waterfallOf([span('a', undefined, { kind: 'client', attributes })]).rows[0]!.attempt).toEqual({ kind: 'hedge', resends: 2, instance: '10.0.0.1:80' })
  })

  it('shows every span once and within its bounds, however they name each other as parents', () => {
    const ids = ['a', 'b', 'c', 'd', 'e']
    const spans = fc.uniqueArray(
      fc.record({ id: fc.constantFrom(...ids), parent: fc.option(fc.constantFrom(...ids, 'never came'), { nil: undefined }), startAt: fc.nat(100), durationMs: fc.nat(100) }),
      { selector: ({ id }) => id },
    )
    fc.assert(
      fc.property(spans, (drawn) => {
        const { rows } = waterfallOf(drawn.map(({ id, parent, startAt, durationMs }) => span(id, parent, { startAt, durationMs })))
        expect(rows.map((row) => row.span.spanId).sort()).toEqual(drawn.map(({ id }) => id).sort())
        for (const { startRatio, widthRatio } of rows) {
          expect(startRatio).toBeGreaterThanOrEqual(0)
          expect(startRatio + widthRatio).toBeLessThanOrEqual(1 + 1e-9)
        }
      }),
    )
  })
})
