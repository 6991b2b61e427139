import { describe, expect, it } from 'vitest'
import type { Point } from '../../../src/control-plane/monitor/read-points.js'
import { SeriesStore } from '../../../src/control-plane/monitor/series.js'

const point = (metric: string, at: number, attributes: Record<string, string> = {}): Point => ({
  service: 'users',
  metric,
  unit: '',
  attributes,
  at,
  value: at,
})

describe('the series kept', () => {
  it('hold the latest points only', () => {
    const store = new SeriesStore({ maxSeries: 5, maxPoints: 3, maxBytes: 1e6 })
    for (let at = 0; at < 10; at++) store.add(point('up', at))
    expect([...store.all()].map(({ points }) => points.map(({ at }) => at))).toEqual([[7, 8, 9]])
  })

  it('are no more than allowed, and those that are there go on', () => {
    const store = new SeriesStore({ maxSeries: 2, maxPoints: 3, maxBytes: 1e6 })
    expect(['a', 'b', 'c', 'a'].map((metric) => store.add(point(metric, 1)))).toEqual([true, true, false, true])
  })

  it('make room for new ones when they have been silent for ten minutes', () => {
    const store = new SeriesStore({ maxSeries: 2, maxPoints: 3, maxBytes: 1e6 })
    store.add(point('old', 1))
    store.add(point('live', 900_000))
    expect(store.add(point('new', 900_001))).toBe(true)
    expect([...store.all()].map(({ metric }) => metric)).toEqual(['live', 'new'])
  })

  it('give up old points when all together take too much', () => {
    const store = new SeriesStore({ maxSeries: 10, maxPoints: 100, maxBytes: 2_000 })
    for (let at = 1; at <= 1_000; at++) store.add(point(`metric-${at % 10}`, at))
    expect(store.bytes).toBeLessThanOrEqual(2_000 + 64)
    expect([...store.all()].map(({ points }) => points.at(-1)!.at).sort((a, b) => a - b)).toEqual([991, 992, 993, 994, 995, 996, 997, 998, 999, 1_000])
  })

  it('do not depend on the order of attributes', () => {
    const store = new SeriesStore()
    store.add(point('up', 1, { a: '1', b: '2' }))
    store.add(point('up', 2, { b: '2', a: '1' }))
    store.add(point('up', 3, { a: '1', b: '3' }))
    expect([...store.all()].map(({ points }) => points.length)).toEqual([2, 1])
  })
})
