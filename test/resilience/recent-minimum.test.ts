import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RecentMinimum } from '../../src/resilience/recent-minimum.js'

function minimumOf(latencyMs: number, samples = 20, atMs = 0): RecentMinimum {
  const minimum = new RecentMinimum()
  for (let i = 0; i < samples; i++) minimum.observe(latencyMs, atMs)
  return minimum
}

describe('recent minimum', () => {
  it('says nothing before there are 20 answers', () => {
    expect(minimumOf(30, 19).at(0)).toBe(0)
    expect(minimumOf(30, 20).at(0)).toBe(30)
  })

  it('follows a faster answer at once', () => {
    const minimum = minimumOf(30)
    minimum.observe(3, 1)
    expect(minimum.at(1)).toBe(3)
  })

  it('is remembered for five seconds and forgotten after ten', () => {
    const minimum = minimumOf(30)
    expect(minimum.at(4_999)).toBe(30)
    expect(minimum.at(5_000)).toBe(30)
    expect(minimum.at(10_000)).toBe(0)
    expect(minimumOf(30).at(10_000)).toBe(0)
  })

  it('is never more than any of the answers of the last five seconds', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(3_000), latencyMs: fc.integer({ min: 1, max: 1_000 }) }), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (answers) => {
        const minimum = new RecentMinimum()
        const seen: { at: number; latencyMs: number }[] = []
        let nowMs = 0
        for (const { waitMs, latencyMs } of answers) {
          nowMs += waitMs
          minimum.observe(latencyMs, nowMs)
          seen.push({ at: nowMs, latencyMs })
          const recent = seen.filter(({ at }) => at > nowMs - 5_000).map((answer) => answer.latencyMs)
          expect(minimum.at(nowMs)).toBeLessThanOrEqual(Math.min(...recent))
        }
      }),
    )
  })

  it('cannot lock a quick request out among slow ones: one call a second goes nevertheless', () => {
    const minimum = new RecentMinimum()
    let sent = 0
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) {
      minimum.observe(500, nowMs)
      if (nowMs >= 1_000 && minimum.suffices(100, nowMs)) sent++
    }
    expect(sent).toBeGreaterThanOrEqual(7)
    expect(sent).toBeLessThanOrEqual(9)
    minimum.observe(3, 10_000)
    expect(minimum.suffices(100, 10_000)).toBe(true)
  })
})
