import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RetryBudget } from '../../src/resilience/retry-budget.js'

const LIMITS = { budgetRatio: 0.2, minPerSec: 3 }

/** How many of so many tries are let through at this moment. */
function withdrawn(budget: RetryBudget, tries: number, nowMs: number): number {
  let count = 0
  for (let i = 0; i < tries; i++) if (budget.withdraw(nowMs)) count++
  return count
}

describe('the retry budget', () => {
  it('allows three a second over ten seconds to a client that has hardly called yet', () => {
    const budget = new RetryBudget(LIMITS)
    budget.deposit(0)
    expect(withdrawn(budget, 100, 0)).toBe(30)
    expect(withdrawn(budget, 100, 9_999)).toBe(0)
  })

  it('gives back what was spent at once three a second, and all of it after ten seconds in which nothing was asked', () => {
    const budget = new RetryBudget(LIMITS)
    withdrawn(budget, 30, 0)
    expect([10_000, 11_000, 12_000].map((nowMs) => withdrawn(budget, 100, nowMs))).toEqual([3, 3, 3])
    expect(withdrawn(budget, 100, 22_000)).toBe(30)
  })

  it('says how many tries are left: just as many as it then lets through', () => {
    const budget = new RetryBudget(LIMITS)
    for (let i = 0; i < 333; i++) budget.deposit(0)
    withdrawn(budget, 20, 0)
    const left = [0, 5_000, 10_000, 30_000].map((nowMs) => [budget.left(nowMs), withdrawn(budget, 100, nowMs)])
    for (const [told, allowed] of left) expect(told).toBe(allowed)
    expect(left[0]).toEqual([46, 46])
  })

  it('does not answer an outage with a burst every ten seconds', () => {
    const budget = new RetryBudget(LIMITS)
    const second = (n: number): number => {
      for (let i = 0; i < 100; i++) budget.deposit(n * 1_000)
      return n < 10 ? 0 : withdrawn(budget, 200, n * 1_000)
    }
    const extras = Array.from({ length: 60 }, (_, n) => second(n)).slice(10)
    // What was saved before it is there at once …
    expect(extras[0]).toBe(200)
    expect(extras.slice(1, 10)).toEqual(Array.from({ length: 9 }, () => 0))
    // … and from then on only what each second brings.
    expect(extras.slice(10)).toEqual(Array.from({ length: 40 }, () => 20))
  })

  it('allows a fifth of the calls where that is more, and not the floor on top', () => {
    const budget = new RetryBudget(LIMITS)
    for (let i = 0; i < 1_000; i++) budget.deposit(i * 5)
    expect(withdrawn(budget, 1_000, 5_000)).toBe(200)
  })

  it('forgets calls after ten seconds', () => {
    const budget = new RetryBudget({ budgetRatio: 0.2, minPerSec: 0 })
    for (let i = 0; i < 100; i++) budget.deposit(0)
    for (let i = 0; i < 50; i++) budget.deposit(5_000)
    expect(withdrawn(budget, 100, 9_000)).toBe(30)
    expect(withdrawn(budget, 100, 10_500)).toBe(0)
    const later = new RetryBudget({ budgetRatio: 0.2, minPerSec: 0 })
    for (let i = 0; i < 100; i++) later.deposit(0)
    for (let i = 0; i < 50; i++) later.deposit(5_000)
    expect(withdrawn(later, 100, 10_500)).toBe(10)
    expect(withdrawn(later, 100, 60_000)).toBe(0)
  })

  it('follows other limits from the moment at which it is given them', () => {
    const budget = new RetryBudget({ budgetRatio: 0, minPerSec: 0 })
    expect(budget.withdraw(0)).toBe(false)
    budget.limits = LIMITS
    expect(budget.withdraw(0)).toBe(true)
  })

  it('takes any clock, one that counts from below zero and one that does not move too', () => {
    const budget = new RetryBudget({ budgetRatio: 0, minPerSec: 1 })
    expect(withdrawn(budget, 20, -1e9)).toBe(10)
    expect(withdrawn(budget, 20, -1e9 - 5_000)).toBe(0)
    expect(withdrawn(budget, 20, -1e9 + 10_000)).toBe(1)
    expect(withdrawn(budget, 20, -1e9 + 20_000)).toBe(10)
  })

  it('never lets more through in all than the share of all calls, but for the floor', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 15_000 }), calls: fc.integer({ min: 0, max: 60 }), tries: fc.integer({ min: 0, max: 60 }) })
    fc.assert(
      fc.property(fc.constantFrom(0, 0.05, 0.2, 1), fc.constantFrom(0, 0.5, 3), fc.array(step, { maxLength: 60 }), (budgetRatio, minPerSec, steps) => {
        const budget = new RetryBudget({ budgetRatio, minPerSec })
        let [nowMs, allCalls, extras] = [0, 0, 0]
        for (const { afterMs, calls, tries } of steps) {
          nowMs += afterMs
          allCalls += calls
          for (let i = 0; i < calls; i++) budget.deposit(nowMs)
          extras += withdrawn(budget, tries, nowMs)
          const floor = minPerSec * (10 + Math.ceil(nowMs / 1_000))
          expect(extras).toBeLessThanOrEqual(budgetRatio * allCalls + floor + 1e-6)
        }
      }),
    )
  })

  it('never lets more through in any ten seconds than it promises, whatever comes', () => {
    const step = fc.record({ afterMs: fc.integer({ min: 0, max: 3_000 }), calls: fc.integer({ min: 0, max: 60 }), tries: fc.integer({ min: 0, max: 60 }) })
    const limits = fc.record({ budgetRatio: fc.constantFrom(0, 0.05, 0.2, 1), minPerSec: fc.constantFrom(0, 0.5, 3) })
    fc.assert(
      fc.property(limits, fc.array(step, { maxLength: 60 }), (given, steps) => {
        const budget = new RetryBudget(given)
        const bySecond: { calls: number; extras: number }[] = []
        let nowMs = 0
        for (const { afterMs, calls, tries } of steps) {
          nowMs += afterMs
          const second = (bySecond[Math.floor(nowMs / 1_000)] ??= { calls: 0, extras: 0 })
          second.calls += calls
          for (let i = 0; i < calls; i++) budget.deposit(nowMs)
          second.extras += withdrawn(budget, tries, nowMs)
          const window = bySecond.slice(-10).filter((one) => one !== undefined)
          const sum = (field: 'calls' | 'extras'): number => window.reduce((total, one) => total + one[field], 0)
          // Calls that have left the window meanwhile still paid for what was sent then.
          const paid = bySecond.slice(-19).reduce((total, one) => total + (one?.calls ?? 0), 0)
          expect(sum('extras')).toBeLessThanOrEqual(Math.max(given.budgetRatio * paid, given.minPerSec * 10) + 1e-6)
        }
      }),
    )
  })

  it('L01: keeps an outage of a minute, in which every attempt fails, to a fifth more attempts than calls', () => {
    for (const perSec of [20, 100, 1_000]) {
      const budget = new RetryBudget(LIMITS)
      let attempts = 0
      const calls = perSec * 60
      for (let i = 0; i < calls; i++) {
        const nowMs = (i / perSec) * 1_000
        budget.deposit(nowMs)
        attempts++
        for (let resends = 0; resends < 2 && budget.withdraw(nowMs); resends++) attempts++
      }
      expect(attempts / calls).toBeLessThanOrEqual(1.2)
      // And it is used: a client that never tried again would pass as well.
      expect(attempts / calls).toBeGreaterThan(1.15)
    }
  })
})
