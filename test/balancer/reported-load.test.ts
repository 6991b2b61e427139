import { describe, expect, it } from 'vitest'
import { ReportedLoad } from '../../src/balancer/reported-load.js'

function usually(inFlight: number): ReportedLoad {
  const load = new ReportedLoad()
  for (let i = 0; i < 50; i++) load.observe({ inFlight }, 0)
  return load
}

describe('reported load', () => {
  it('makes no difference where there is none, and where it is as usual, be that much or little', () => {
    expect(new ReportedLoad().factorAt(0, 10)).toBe(1)
    expect(usually(2).factorAt(0, 10)).toBeCloseTo(1)
    expect(usually(90).factorAt(0, 10)).toBeCloseTo(1)
  })

  it('makes an endpoint dearer that has more to do than usual, and cheaper that has less', () => {
    const more = usually(5)
    more.observe({ inFlight: 40 }, 0)
    expect(more.factorAt(0, 10)).toBeGreaterThan(1.5)
    const less = usually(40)
    less.observe({ inFlight: 0 }, 0)
    expect(less.factorAt(0, 10)).toBeLessThan(0.5)
  })

  it('says nothing any more when it is old', () => {
    const load = usually(5)
    load.observe({ inFlight: 40 }, 0)
    expect(load.factorAt(100, 10)).toBeLessThan(load.factorAt(0, 10))
    expect(load.factorAt(5_000, 10)).toBeCloseTo(1)
  })
})
