import { describe, expect, it } from 'vitest'
import { readSnapshot, SnapshotReader } from '../../src/discovery/snapshot-reader.js'
import type { RawSnapshot } from '../../src/discovery/registry.js'

const read = (raw: unknown) => readSnapshot(raw as RawSnapshot, 'users')

describe('reading a snapshot', () => {
  it('reads a whole one', () => {
    const snapshot = read({ revision: 7, endpoints: ['h:1'], policy: { timeoutMs: 800, retry: { maxResends: 2 } } })
    expect(snapshot).toMatchObject({ service: 'users', revision: 7, policy: { timeoutMs: 800, retry: { maxResends: 2 } } })
    expect(snapshot.endpoints).toHaveLength(1)
    expect(snapshot).not.toHaveProperty('refused')
  })

  it('takes an empty list for what it says', () => {
    expect(read({ revision: 0, endpoints: [] })).toEqual({ service: 'users', revision: 0, endpoints: [], policy: {} })
  })

  it('R13 serves the good entries and says why it refused the others', () => {
    const snapshot = read({ revision: 1, endpoints: ['h:1', 'h:0', { host: 'h', port: 2, weight: -1 }, 'h:3'] })
    expect(snapshot.endpoints.map(({ port }) => port)).toEqual([1, 3])
    expect(snapshot.refused).toEqual([
      'endpoints[1].port: expected a whole number from 1 to 65535, got 0',
      'endpoints[2].weight: expected a number from 0 to 65535, got -1',
    ])
  })

  it.each([
    ['that nobody knows', { tmeoutMs: 1 }, 'policy.tmeoutMs: unknown option'],
    ['out of range', { breaker: { failureRatio: 2 } }, 'policy.breaker.failureRatio: expected'],
    ['that is none', 'fast', 'policy: expected'],
    ['of null', null, 'policy: expected'],
  ])('R04 keeps the last good policy for one %s, takes the endpoints beside it, and says why', (_, policy, reason) => {
    const reader = new SnapshotReader('users')
    const tell = (revision: number, policy: unknown) => reader.read({ revision, endpoints: [`h:${revision}`], policy })
    expect(tell(1, policy).policy).toEqual({})
    expect(tell(2, { timeoutMs: 800 })).not.toHaveProperty('refused')
    const { endpoints, policy: kept, refused } = tell(3, policy)
    expect(endpoints.map(({ port }) => port)).toEqual([3])
    expect(kept).toEqual({ timeoutMs: 800 })
    expect(refused).toEqual([expect.stringContaining(reason)])
    expect(tell(4, undefined)).toMatchObject({ policy: {} })
  })

  it.each([
    ['null', null, 'revision: expected a number, got undefined'],
    ['text', 'users', 'revision: expected a number, got undefined'],
    ['no revision', { endpoints: [] }, 'revision: expected a number, got undefined'],
    ['a revision that is none', { revision: NaN, endpoints: [] }, 'revision: expected a number'],
    ['no endpoints', { revision: 1 }, 'endpoints: expected a list, got undefined'],
    ['null for endpoints', { revision: 1, endpoints: null }, 'endpoints: expected a list, got null'],
    ['a map for endpoints', { revision: 1, endpoints: {} }, 'endpoints: expected a list, got object'],
  ])('R04 refuses the whole for %s', (_, raw, reason) => {
    expect(() => read(raw)).toThrow(expect.objectContaining({
      code: 'MESH_ERR_SNAPSHOT',
      service: 'users',
      message: expect.stringContaining(`The snapshot of 'users' is malformed: ${reason}`),
    }))
  })
})
