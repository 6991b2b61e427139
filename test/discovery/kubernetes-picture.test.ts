import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SlicePicture } from '../../src/discovery/kubernetes-picture.js'
import type { RawSnapshot } from '../../src/discovery/registry.js'
import { settled } from '../support/fake-clock.js'
import { podEndpoint, usersSlice } from '../support/kubernetes-api/slice.js'

const put = (name: string, ...addresses: string[]) => {
  const endpoints = addresses.map((address) => podEndpoint(`pod-${address}`, address))
  return { type: 'MODIFIED', version: '1', name, object: usersSlice(name, endpoints) } as const
}
const gone = (name: string) => ({ type: 'DELETED', version: '1', name, object: usersSlice(name, []) }) as const

function tell(picture: SlicePicture): { revision: number; hosts: unknown[]; errors: string[] } {
  const [snapshot, ...errors] = picture.tell() as [RawSnapshot, ...Error[]]
  const hosts = snapshot.endpoints.map((endpoint) => (endpoint as { host: unknown }).host)
  return { revision: snapshot.revision, hosts, errors: errors.map(({ message }) => message) }
}

describe('the picture of a service', () => {
  it('follows every change of its slices', () => {
    const picture = new SlicePicture(undefined)
    picture.replace([usersSlice('a', [podEndpoint('p1', '10.0.0.1')])])
    expect(tell(picture)).toMatchObject({ revision: 1, hosts: ['10.0.0.1'] })
    picture.apply(put('b', '10.0.0.2'))
    picture.apply(put('a', '10.0.0.3'))
    expect(tell(picture)).toMatchObject({ revision: 3, hosts: ['10.0.0.3', '10.0.0.2'] })
    picture.apply(gone('a'))
    expect(tell(picture)).toMatchObject({ revision: 4, hosts: ['10.0.0.2'] })
    picture.replace([])
    expect(tell(picture)).toMatchObject({ revision: 5, hosts: [] })
  })

  it('has the same revision when it is only confirmed', () => {
    const picture = new SlicePicture(undefined)
    picture.replace([])
    picture.confirm()
    expect([tell(picture).revision, tell(picture).revision]).toEqual([1, 1])
  })

  it('has news once for whatever came since it was told, and none before anything came', async () => {
    const picture = new SlicePicture(undefined)
    const leaving = new AbortController()
    let heard = 0
    const listen = () => void picture.news(leaving.signal).then(() => heard++)
    listen()
    await settled()
    expect(heard).toBe(0)
    picture.replace([])
    await settled()
    expect(heard).toBe(1)
    picture.tell()
    listen()
    await settled()
    expect(heard).toBe(1)
    leaving.abort()
    await settled()
    expect(heard).toBe(2)
  })

  it('R04 keeps what it knew of a slice that comes malformed, serves the others and tells the error once', () => {
    const picture = new SlicePicture(undefined)
    picture.replace([usersSlice('a', [podEndpoint('p1', '10.0.0.1')]), null])
    expect(tell(picture)).toMatchObject({ hosts: ['10.0.0.1'], errors: [expect.stringContaining('metadata.name')] })
    picture.apply({ ...put('a'), object: usersSlice('a', [], { addressType: 4 }) })
    picture.apply(put('b', '10.0.0.2'))
    expect(tell(picture)).toMatchObject({ hosts: ['10.0.0.1', '10.0.0.2'], errors: [expect.stringContaining('a: addressType')] })
    picture.replace([usersSlice('a', [], { endpoints: 'none' })])
    expect(tell(picture)).toMatchObject({ hosts: ['10.0.0.1'], errors: [expect.stringContaining('a: endpoints')] })
    expect(tell(picture).errors).toEqual([])
  })

  it('does not depend on the order in which the changes of different slices arrive', () => {
    const change = fc.option(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }), { nil: undefined })
    const histories = fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 4 })
    const play = (histories: readonly (readonly (readonly number[] | undefined)[])[], turns: readonly number[]): unknown[] => {
      const picture = new SlicePicture(undefined)
      picture.replace([])
      const queues = histories.map((history) => [...history])
      // Each slice keeps its own order; whose turn it is differs.
      const order = [...turns.map((turn) => turn % queues.length), ...queues.flatMap((queue, i) => queue.map(() => i))]
      for (const i of order) {
        if (queues[i]!.length === 0) continue
        const addresses = queues[i]!.shift()
        picture.apply(addresses === undefined ? gone(`s${i}`) : put(`s${i}`, ...addresses.map((last) => `10.0.0.${last}`)))
      }
      return tell(picture).hosts
    }
    fc.assert(
      fc.property(histories, fc.array(fc.nat()), fc.array(fc.nat()), (all, turns, otherTurns) => {
        const last = all.map((history) => history.slice(-1))
        expect(play(all, turns)).toEqual(play(all, otherTurns))
        expect(play(all, turns)).toEqual(play(last, []))
      }),
    )
  })
})
