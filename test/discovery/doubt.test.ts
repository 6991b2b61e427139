import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/call/snapshot.js'
import { Doubt } from '../../src/discovery/doubt.js'
import { endpointOf } from '../support/scripted.js'

const OPTIONS = { emptyConfirmMs: 30_000, shrinkConfirmMs: 10_000 }

function naming(...ids: readonly (string | number)[]): Snapshot {
  return { service: 'users', revision: 1, endpoints: ids.map((id) => endpointOf(String(id))), policy: {} }
}

function idsOf({ snapshot }: { snapshot: Snapshot }): string[] {
  return snapshot.endpoints.map(({ id }) => id).sort()
}

describe('doubt', () => {
  it('R03 keeps the endpoints of a service that suddenly has none, until that has stood for emptyConfirmMs', () => {
    const doubt = new Doubt(OPTIONS)
    doubt.judge(naming(1, 2), 0)
    expect(doubt.judge(naming(), 100)).toMatchObject({ kept: 2, believeAt: 30_100 })
    expect(idsOf(doubt.judge(naming(), 30_099))).toEqual(['1', '2'])
    expect(doubt.judge(naming(), 30_100)).toMatchObject({ kept: 0, snapshot: { endpoints: [] }, believeAt: Infinity })
  })

  it('R05 keeps what vanished when more than half did at once, and takes what is new', () => {
    const doubt = new Doubt(OPTIONS)
    doubt.judge(naming(1, 2, 3, 4, 5), 0)
    const judged = doubt.judge(naming(1, 6), 50)
    expect(idsOf(judged)).toEqual(['1', '2', '3', '4', '5', '6'])
    expect(judged).toMatchObject({ kept: 4, believeAt: 10_050 })
    expect(idsOf(doubt.judge(naming(1, 6), 10_050))).toEqual(['1', '6'])
  })

  it('believes at once that half or fewer have gone, or that all were replaced', () => {
    const halved = new Doubt(OPTIONS)
    halved.judge(naming(1, 2, 3, 4), 0)
    expect(idsOf(halved.judge(naming(1, 2), 1))).toEqual(['1', '2'])
    const replaced = new Doubt(OPTIONS)
    replaced.judge(naming(1, 2, 3), 0)
    expect(idsOf(replaced.judge(naming(4, 5, 6), 1))).toEqual(['4', '5', '6'])
  })

  it('believes at once that they are back', () => {
    const doubt = new Doubt(OPTIONS)
    doubt.judge(naming(1, 2, 3), 0)
    doubt.judge(naming(), 10)
    expect(doubt.judge(naming(1, 2, 3), 20)).toMatchObject({ kept: 0 })
    expect(doubt.judge(naming(), 40)).toMatchObject({ kept: 3, believeAt: 30_040 })
  })

  it('waits anew when the registry failed meanwhile: its last word confirms nothing', () => {
    const doubt = new Doubt(OPTIONS)
    doubt.judge(naming(1, 2, 3), 0)
    doubt.judge(naming(), 10)
    doubt.restart()
    expect(doubt.judge(naming(), 60_000)).toMatchObject({ kept: 3, believeAt: 90_000 })
  })

  it('believes whatever it is told first', () => {
    expect(new Doubt(OPTIONS).judge(naming(), 0)).toMatchObject({ kept: 0, snapshot: { endpoints: [] } })
  })

  it('never serves an endpoint that was never named, and always those that are', () => {
    const word = fc.record({ ids: fc.uniqueArray(fc.nat(8)), waitMs: fc.nat(20_000) })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
        const doubt = new Doubt(OPTIONS)
        const everNamed = new Set<string>()
        let nowMs = 0
        for (const { ids, waitMs } of words) {
          nowMs += waitMs
          const told = naming(...ids)
          for (const { id } of told.endpoints) everNamed.add(id)
          const served = idsOf(doubt.judge(told, nowMs))
          expect(new Set(served).size).toBe(served.length)
          expect(served.every((id) => everNamed.has(id))).toBe(true)
          expect(told.endpoints.every(({ id }) => served.includes(id))).toBe(true)
        }
      }),
    )
  })
})
