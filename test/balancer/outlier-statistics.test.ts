import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outlierDefaults } from '../../src/balancer/outlier.js'
import { Comparison, type StatisticalReason, type Tally } from '../../src/balancer/outlier-statistics.js'

const policy = outlierDefaults
const of = (total: number, ratio: number): Tally => ({ successes: total * ratio, failures: total * (1 - ratio) })
const reasons = (...all: Tally[]): (StatisticalReason | undefined)[] => {
  const comparison = new Comparison(all, policy)
  return all.map((own) => comparison.reasonAgainst(own))
}

describe('comparison of endpoints', () => {
  it('finds the one that does worse in a fleet of three', () => {
    expect(reasons(of(100, 1), of(100, 0.5), of(100, 1))).toEqual([undefined, 'success-rate', undefined])
  })

  it('finds two of five, which hide each other from a mean that holds both', () => {
    expect(reasons(of(100, 1), of(100, 0.5), of(100, 1), of(100, 0.2), of(100, 1))[3]).toBe('success-rate')
  })

  it('finds one that fails nearly always, by its ratio alone', () => {
    expect(reasons(of(100, 0.1), of(100, 0.1), of(100, 0.1))).toEqual(['failure-ratio', 'failure-ratio', 'failure-ratio'])
  })

  it('makes nothing of a few failures, and nothing of what all have in common', () => {
    expect(reasons(of(100, 1), of(100, 0.97), of(100, 1), of(100, 1))).toEqual([undefined, undefined, undefined, undefined])
    expect(reasons(of(100, 0.5), of(100, 0.45), of(100, 0.55))).toEqual([undefined, undefined, undefined])
  })

  it('judges nobody by too few requests, and compares nobody with too few others', () => {
    expect(reasons(of(19, 0), of(100, 1), of(100, 1))).toEqual([undefined, undefined, undefined])
    expect(reasons(of(100, 0.5), of(100, 1))).toEqual([undefined, undefined])
    expect(reasons(of(100, 0.5), of(5, 1), of(5, 1), of(100, 1))).toEqual([undefined, undefined, undefined, undefined])
  })

  it('has nothing to say when it is switched off', () => {
    const off = { ...policy, successRate: { ...policy.successRate, stdevFactor: 0 }, failureRatio: { ...policy.failureRatio, threshold: 0 } }
    const all = [of(100, 0), of(100, 1), of(100, 1)]
    expect(new Comparison(all, off).reasonAgainst(all[0]!)).toBeUndefined()
  })

  it('finds an endpoint only when it is worse than the mean of the others', () => {
    const tally = fc.record({ successes: fc.nat(500), failures: fc.nat(500) })
    fc.assert(
      fc.property(fc.array(tally, { minLength: 1, maxLength: 12 }), (all) => {
        const comparison = new Comparison(all, policy)
        for (const own of all) {
          if (comparison.reasonAgainst(own) !== 'success-rate') continue
          const others = all.filter((other) => other !== own && other.successes + other.failures >= 20)
          const mean = others.reduce((sum, other) => sum + other.successes / (other.successes + other.failures), 0) / others.length
          expect(own.successes / (own.successes + own.failures)).toBeLessThan(mean - 0.1 + 1e-9)
        }
      }),
    )
  })
})
