import { describe, expect, it } from 'vitest'
import { styleFor } from '../../src/cli/colour.js'
import { drawWaterfall, type TraceSpan } from '../../src/cli/waterfall.js'
import { widthOf } from '../../src/cli/width.js'

const look = { width: Infinity, style: styleFor({}, {}) }

const span = (spanId: string, parentSpanId: string | null, more: Partial<TraceSpan> = {}): TraceSpan => ({
  spanId,
  parentSpanId,
  service: 'orders',
  name: spanId,
  kind: 'internal',
  startAt: 1_000,
  durationMs: 24,
  failed: false,
  attributes: {},
  ...more,
})

const call: readonly TraceSpan[] = [
  span('served', 'second', { kind: 'server', service: 'users', startAt: 1_014, durationMs: 8, name: 'GET /users/{id}', attributes: { 'http.response.status_code': 200 } }),
  span('root', null, { name: 'mesh.call users' }),
  span('first', 'root', { kind: 'client', name: 'GET', durationMs: 6, failed: true, attributes: { 'mesh.endpoint.id': 'users-1@sidecarless', 'error.type': 'MESH_ERR_CONNECT' } }),
  span('second', 'root', {
    kind: 'client',
    name: 'GET',
    startAt: 1_012,
    durationMs: 12,
    attributes: { 'mesh.endpoint.id': 'users-2@sidecarless', 'http.request.resend_count': 1, 'http.response.status_code': 200 },
  }),
]

describe('drawWaterfall', () => {
  it('shows who did what when, and which attempt was a retry', () => {
    expect(drawWaterfall(call, look)).toEqual([
      'PROCESS  SPAN                   WHEN                      DURATION  NOTES',
      'orders   mesh.call users        ━━━━━━━━━━━━━━━━━━━━━━━━   24.0 ms',
      'orders   └─ GET → users-1       ━━━━━━··················    6.0 ms  MESH_ERR_CONNECT',
      'orders   └─ GET → users-2       ············━━━━━━━━━━━━   12.0 ms  retry 1, 200',
      'users-2     └─ GET /users/{id}  ··············━━━━━━━━··    8.0 ms  200',
    ])
  })

  it('marks a hedge', () => {
    const [, line] = drawWaterfall([span('GET', null, { kind: 'client', attributes: { 'mesh.hedge': true } })], look)
    expect(line).toContain('hedge')
  })

  it('shows what hangs below nothing that is kept, and ends although spans name each other as parents', () => {
    const spans = [span('orphan', 'gone'), span('a', 'b'), span('b', 'a'), span('self', 'self'), span('orphan', 'gone')]
    const names = drawWaterfall(spans, look).slice(1).map((line) => /(\w+)\s+━/.exec(line)![1])
    expect([...names].sort()).toEqual(['a', 'b', 'orphan', 'self'])
  })

  it('draws three thousand spans, each the child of the one before, in a narrow terminal', () => {
    const chain = Array.from({ length: 3_000 }, (_, i) => span(`s${i}`, i === 0 ? null : `s${i - 1}`))
    const lines = drawWaterfall(chain, { ...look, width: 60 })
    expect(lines).toHaveLength(3_001)
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(60)
  })
})
