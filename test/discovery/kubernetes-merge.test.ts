import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeSlices } from '../../src/discovery/kubernetes-merge.js'
import { readSlice, type Slice } from '../../src/discovery/kubernetes-slice.js'
import { podEndpoint, usersSlice } from '../support/kubernetes-api/slice.js'

const draining = { conditions: { ready: false, serving: true, terminating: true } }

const slice = (name: string, endpoints: readonly object[], different: object = {}, created = '2026-01-01T00:00:00Z'): Slice => {
  const { metadata, ...rest } = usersSlice(name, endpoints, different)
  return readSlice({ metadata: { ...metadata, creationTimestamp: created }, ...rest }, undefined)
}

const merged = (...slices: Slice[]): unknown[] => mergeSlices(slices).map(({ id, host, status }) => [id, host, status])

describe('the slices of a service', () => {
  it('make one list together', () => {
    expect(merged(slice('a', [podEndpoint('p1', '10.0.0.1')]), slice('b', [podEndpoint('p2', '10.0.0.2', draining)]))).toEqual([
      ['p1', '10.0.0.1', 'ready'],
      ['p2', '10.0.0.2', 'draining'],
    ])
  })

  it('tell an endpoint once that is moved between them: ready rather than draining', () => {
    const leaving = slice('young', [podEndpoint('p1', '10.0.0.1', draining)], {}, '2026-02-01T00:00:00Z')
    expect(merged(leaving, slice('old', [podEndpoint('p1', '10.0.0.1')]))).toEqual([['p1', '10.0.0.1', 'ready']])
  })

  it('tell it as the younger slice does when nothing else decides', () => {
    const old = slice('a', [podEndpoint('p1', '10.0.0.1')])
    const young = slice('b', [podEndpoint('p1', '10.0.0.9')], {}, '2026-02-01T00:00:00Z')
    expect(merged(old, young)).toEqual([['p1', '10.0.0.9', 'ready']])
  })

  it('tell an address once, for the pod that is ready there', () => {
    const reused = [podEndpoint('gone', '10.0.0.1', draining), podEndpoint('new', '10.0.0.1')]
    expect(merged(slice('a', reused))).toEqual([['new', '10.0.0.1', 'ready']])
    const unnamed = slice('b', [{ addresses: ['10.0.0.1'] }])
    expect(merged(unnamed, slice('a', [podEndpoint('named', '10.0.0.1')]))).toEqual([['named', '10.0.0.1', 'ready']])
  })

  it('tell a pod of a dual-stack service once, by its IPv4 address', () => {
    const six = slice('a', [podEndpoint('p1', 'fd00::1'), podEndpoint('p2', 'fd00::2')], { addressType: 'IPv6' })
    expect(merged(six, slice('b', [podEndpoint('p1', '10.0.0.1')]))).toEqual([
      ['p1', '10.0.0.1', 'ready'],
      ['p2', 'fd00::2', 'ready'],
    ])
  })

  it('do not take malformed endpoints for one another', () => {
    expect(mergeSlices([slice('a', [{ addresses: [] }, { addresses: [] }, { addresses: [5] }])])).toHaveLength(3)
  })

  interface Described {
    readonly name: string
    readonly day: number
    readonly isSix: boolean
    readonly pods: readonly { readonly pod: number; readonly address: number; readonly isReady: boolean }[]
  }
  const [name, day, isSix] = [fc.stringMatching(/^[a-e]$/), fc.integer({ min: 1, max: 3 }), fc.boolean()]
  const pod = fc.record({ pod: fc.integer({ min: 0, max: 5 }), address: fc.integer({ min: 1, max: 5 }), isReady: fc.boolean() })
  const described: fc.Arbitrary<Described> = fc.record({ name, day, isSix, pods: fc.array(pod, { maxLength: 4 }) })
  const slices = fc.uniqueArray(described, { selector: ({ name }) => name, maxLength: 5 })

  const build = ({ name, day, isSix, pods }: Described): Slice => {
    const endpoints = pods.map(({ pod, address, isReady }) => {
      // The last pod has no name.
      const different = { ...(pod === 5 && { targetRef: null }), ...(!isReady && draining) }
      return podEndpoint(`p${pod}`, isSix ? `fd00::${address}` : `10.0.0.${address}`, different)
    })
    return slice(name, endpoints, { addressType: isSix ? 'IPv6' : 'IPv4' }, `2026-01-0${day}T00:00:00Z`)
  }

  it('make the same list in whatever order they come', () => {
    fc.assert(
      fc.property(
        slices.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          expect(mergeSlices(shuffled.map(build))).toEqual(mergeSlices(list.map(build)))
        },
      ),
    )
  })

  it('tell every id and every address once at most, and lose no address without a reason', () => {
    fc.assert(
      fc.property(slices, (list) => {
        const all = list.map(build).flatMap(({ endpoints }) => endpoints)
        const told = mergeSlices(list.map(build))
        const ids = told.map(({ id }) => id).filter((id) => id !== undefined)
        const hosts = told.map(({ host }) => host)
        expect(new Set(ids).size).toBe(ids.length)
        expect(new Set(hosts).size).toBe(hosts.length)
        for (const { id, host } of all) {
          expect(told.some((other) => (id !== undefined && other.id === id) || other.host === host)).toBe(true)
        }
      }),
    )
  })
})
