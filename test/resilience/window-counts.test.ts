import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WindowCounts } from '../../src/resilience/window-counts.js'

it('counts what is not older than the window, to a tenth of it', () => {
  const step = fc.record({ after: fc.nat(700), isGood: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const counts = new WindowCounts(1_000)
      const all: { readonly part: number; readonly isGood: boolean }[] = []
      let nowMs = 0
      for (const { after, isGood } of steps) {
        nowMs += after
        counts.add(isGood, nowMs)
        all.push({ part: Math.floor(nowMs / 100), isGood })
        const young = all.filter(({ part }) => part > Math.floor(nowMs / 100) - 10)
        expect([counts.all, counts.good]).toEqual([young.length, young.filter((one) => one.isGood).length])
      }
      counts.turn(nowMs + 1_000)
      expect([counts.all, counts.good]).toEqual([0, 0])
    }),
  )
})
