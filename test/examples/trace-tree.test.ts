import { describe, expect, it } from 'vitest'
import { branchesOf, drawTree, type Span } from '../../examples/users-and-orders/trace-tree.js'

function spanOf(spanId: string, parentSpanId: string | undefined, fields: Partial<Span>): Span {
  return {
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    service: 'edge',
    name: 'GET',
    kind: 'internal',
    startAt: 1_000,
    durationMs: 8,
    attributes: {},
    ...fields,
  }
}

const CALL = spanOf('a', undefined, { name: 'mesh.call users' })
const ATTEMPT = spanOf('b', 'a', { kind: 'client', attributes: { 'mesh.endpoint.id': 'users-2@node' } })
const SERVED = spanOf('c', 'b', { kind: 'server', service: 'users', name: 'GET /users/:id', startAt: 1_004, durationMs: 4 })

describe('the tree of a trace', () => {
  it('hangs each span under its parent, whatever order they came in, and names the process that made it', () => {
    const branches = branchesOf([SERVED, CALL, ATTEMPT])
    expect(branches.map(({ span, depth, process }) => [span.spanId, depth, process])).toEqual([
      ['a', 0, 'edge'],
      ['b', 1, 'edge'],
      ['c', 2, 'users-2'],
    ])
  })

  it('leaves out what is not connected to the root', () => {
    expect(branchesOf([CALL, SERVED]).map(({ span }) => span.spanId)).toEqual(['a'])
    expect(branchesOf([SERVED])).toEqual([])
  })

  it('shows when each part was, in proportion', () => {
    expect(drawTree(branchesOf([CALL, ATTEMPT, SERVED]))).toEqual([
      'edge     mesh.call users       ━━━━━━━━━━━━━━━━━━━━━━━━     8.0 ms',
      'edge     └─ GET → users-2      ━━━━━━━━━━━━━━━━━━━━━━━━     8.0 ms',
      'users-2     └─ GET /users/:id  ············━━━━━━━━━━━━     4.0 ms',
    ])
  })

  it('draws a part that took no time, and a trace that did not come', () => {
    const instant = { ...SERVED, startAt: 1_008, durationMs: 0 }
    expect(drawTree(branchesOf([CALL, ATTEMPT, instant])).at(-1)).toContain(`${'·'.repeat(23)}━ `)
    expect(drawTree([])).toEqual([])
  })
})
