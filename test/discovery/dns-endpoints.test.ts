import fc from 'fast-check'
import type { RecordWithTtl, SrvRecord } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { endpointsOfAddresses, endpointsOfRecords } from '../../src/discovery/dns-endpoints.js'
import { readSnapshot } from '../../src/discovery/snapshot-reader.js'

const srv = (name: string, more: Partial<SrvRecord> = {}): SrvRecord => ({ name, port: 80, priority: 0, weight: 1, ...more })
const at = (...addresses: string[]): RecordWithTtl[] => addresses.map((address) => ({ address, ttl: 1 }))
const abc = new Map([
  ['a', at('10.0.0.1')],
  ['b', at('10.0.0.2')],
  ['c', at('10.0.0.3')],
])
const weightsOf = (...records: SrvRecord[]): number[] => endpointsOfRecords(records, abc).map(({ weight }) => weight!)

describe('the endpoints of SRV records', () => {
  it('are named by target and port, so that they stay the same when an address changes', () => {
    const [endpoint] = endpointsOfRecords([srv('a', { port: 81, priority: 10, weight: 60 })], abc)
    expect(endpoint).toEqual({ id: 'a:81', host: '10.0.0.1', port: 81, priority: 10, weight: 60 })
    expect(endpointsOfRecords([srv('a', { port: 81 })], new Map([['a', at('10.9.9.9')]]))[0]).toMatchObject({ id: 'a:81' })
  })

  it('are one for each address, which share the weight of their target', () => {
    const endpoints = endpointsOfRecords([srv('a', { weight: 3 })], new Map([['a', at('10.0.0.1', '10.0.0.2', '10.0.0.1')]]))
    expect(endpoints).toEqual([
      { id: 'a:80/10.0.0.1', host: '10.0.0.1', port: 80, priority: 0, weight: 1.5 },
      { id: 'a:80/10.0.0.2', host: '10.0.0.2', port: 80, priority: 0, weight: 1.5 },
    ])
  })

  it('leave out a target without an address', () => {
    expect(endpointsOfRecords([srv('a'), srv('nowhere')], new Map([...abc, ['nowhere', []]]))).toHaveLength(1)
  })

  it('are equal when all weights are 0, whatever other priorities say', () => {
    const weights = weightsOf(srv('a', { weight: 0 }), srv('b', { weight: 0 }), srv('c', { weight: 50, priority: 1 }))
    expect(weights.sort()).toEqual([1, 1, 50])
  })

  it('have a very small chance with weight 0 beside others', () => {
    expect(weightsOf(srv('a', { weight: 0 }), srv('b', { weight: 10 }), srv('c', { weight: 90 })).sort()).toEqual([0.1, 10, 90])
  })

  it('come once for records that say the same, however they are written', () => {
    expect(endpointsOfRecords([srv('a'), srv('A'), srv('a')], abc)).toHaveLength(1)
  })

  it('count by their first priority and then their highest weight when a target comes twice', () => {
    const records = [srv('a', { priority: 2 }), srv('a', { priority: 1, weight: 4 }), srv('a', { priority: 1, weight: 9 })]
    expect(endpointsOfRecords(records, abc)).toMatchObject([{ priority: 1, weight: 9 }])
  })

  it('R13 pass a port of 0 on for the resolver to refuse, and the others with it', () => {
    const snapshot = readSnapshot({ revision: 1, endpoints: endpointsOfRecords([srv('a', { port: 0 }), srv('b')], abc) }, 'users')
    expect(snapshot.endpoints.map(({ id }) => id)).toEqual(['b:80'])
    expect(snapshot.refused).toEqual([expect.stringContaining('port: expected')])
  })

  it('are all taken by the resolver, whatever the records and the order of the answer', () => {
    const record = fc.record({
      name: fc.constantFrom('a', 'B', 'b', 'c', 'D'),
      port: fc.integer({ min: 1, max: 3 }),
      priority: fc.integer({ min: 0, max: 65_535 }),
      weight: fc.integer({ min: 0, max: 65_535 }),
    })
    const targets = new Map([...abc, ['d', at('10.0.0.4', '10.0.0.5')]])
    const picture = (records: SrvRecord[]): unknown[] => {
      const { endpoints, refused } = readSnapshot({ revision: 1, endpoints: endpointsOfRecords(records, targets) }, 'users')
      expect(refused).toBeUndefined()
      expect(endpoints.every(({ weight }) => weight > 0)).toBe(true)
      return [...endpoints].sort((a, b) => (a.id < b.id ? -1 : 1))
    }
    fc.assert(
      fc.property(fc.array(record), (records) => {
        const named = new Set(
          records.flatMap(({ name, port }) => (name === 'D' ? [`${port}1`, `${port}2`] : `${name.toLowerCase()}${port}`)),
        )
        expect(picture(records)).toHaveLength(named.size)
        expect(picture([...records].reverse())).toEqual(picture(records))
      }),
    )
  })
})

describe('the endpoints of addresses', () => {
  it('are one for each address, at the one port', () => {
    expect(endpointsOfAddresses(at('10.0.0.1', '::1', '10.0.0.1'), 80)).toEqual([
      { host: '10.0.0.1', port: 80 },
      { host: '::1', port: 80 },
    ])
  })
})
