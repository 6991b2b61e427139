import { describe, expect, it } from 'vitest'
import { createBalancerLab } from '../src/balancing-lab.js'
import { seededRandom } from '../src/base/random.js'
import { VirtualClock } from './support/virtual-clock.js'

describe('the explanation of an endpoint', () => {
  it('shows a score that is what its parts make, and the least is picked', () => {
    const clock = new VirtualClock()
    const lab = createBalancerLab({ clock, random: seededRandom(1) })
    lab.setEndpoints([{ id: 'a', weight: 3 }, { id: 'b' }, { id: 'c' }])
    for (let i = 0; i < 60; i++) {
      const attempt = lab.begin(lab.pick()!)
      clock.runUntil(clock.now() + (attempt.node.id === 'b' ? 40 : 10))
      lab.end(attempt, i % 7 === 0 ? { status: 500 } : { report: { inFlight: i % 5 } })
      if (i % 6 === 0) lab.begin(lab.pick()!)
      const reports = lab.explain()
      for (const { inFlight, score } of reports) {
        const { costMs, latencyMs, success, ramp, weight, report } = score
        expect(costMs).toBeCloseTo((latencyMs * (inFlight + 1) * report) / (success ** 3 * ramp * weight))
      }
    }
    clock.runUntil(clock.now() + 20)
    const reports = lab.explain().filter(({ state }) => state === 'ready')
    const cheapest = reports.toSorted((a, b) => a.score.costMs - b.score.costMs)[0]!
    expect(lab.pick()!.id).toBe(cheapest.id)
  })

  it('says who has not answered for too long', () => {
    const clock = new VirtualClock()
    const lab = createBalancerLab({ clock, random: seededRandom(1) })
    lab.setEndpoints([{ id: 'a' }])
    const attempt = lab.begin(lab.pick()!)
    clock.runUntil(10)
    lab.end(attempt)
    lab.begin(lab.pick()!)
    clock.runUntil(500)
    expect(lab.explain()[0]).toMatchObject({ inFlight: 1, latencyMs: 10, score: { stalled: true, latencyMs: 490 } })
  })
})
