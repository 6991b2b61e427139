import { describe, expect, it } from 'vitest'
import { arrivalsOf, type Arrival, type Plan } from '../../bench/balancing/arrivals.js'
import { compare } from '../../bench/balancing/comparison.js'
import { playLoad } from '../../bench/balancing/load.js'
import type { Played } from '../../bench/balancing/stage.js'

const PLAN: Plan = { ratePerSec: 500, meanWorkMs: 30, callers: 4, durationMs: 20_000, seed: 1 }

const at = (...times: readonly number[]): readonly Arrival[] => times.map((atMs) => ({ atMs, caller: 0, workMs: 1 }))

function played(latenciesMs: readonly number[], failures: Record<string, number> = {}): Played {
  const requests = latenciesMs.length + Object.values(failures).reduce((sum, count) => sum + count, 0)
  return { latenciesMs: Float64Array.from(latenciesMs), requests, failures, utilization: 0.1, lateP99Ms: 1, machineRatio: 0.5 }
}

describe('the requests of a play', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(arrivalsOf(PLAN)).toEqual(arrivalsOf(PLAN))
    expect(arrivalsOf({ ...PLAN, seed: 2 })[0]).not.toEqual(arrivalsOf(PLAN)[0])
  })

  it('come as often, from as many and with as much work as planned', () => {
    const arrivals = arrivalsOf(PLAN)
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
    expect(arrivals.length / 20).toBeCloseTo(500, -2)
    expect(mean(arrivals.map(({ workMs }) => workMs))).toBeCloseTo(30, -1)
    expect(new Set(arrivals.map(({ caller }) => caller))).toEqual(new Set([0, 1, 2, 3]))
  })
})

describe('a latency', () => {
  it('counts from when the request was due, not from when it could be sent', async () => {
    const busyFor100Ms = (): void => {
      const until = performance.now() + 100
      while (performance.now() < until);
    }
    const caller = { send: async () => (busyFor100Ms(), 200) }
    const { latenciesMs } = await playLoad({ arrivals: at(0, 1, 2), callers: [caller], warmupMs: 0, timeoutMs: 2_000 })
    expect(latenciesMs).toHaveLength(3)
    expect(latenciesMs[2]).toBeGreaterThanOrEqual(298)
  })

  it('of a request that fails at once is none; one that waits in vain counts in full', async () => {
    const answers = [async () => 200, async () => 500, () => new Promise<number>((_, reject) => setTimeout(() => reject(new Error('late')), 60))]
    let next = 0
    const caller = { send: () => answers[next++]!() }
    const outcome = await playLoad({ arrivals: at(0, 1, 2), callers: [caller], warmupMs: 0, timeoutMs: 60 })
    expect(outcome.requests).toBe(3)
    expect(outcome.failures).toEqual({ 500: 1, timeout: 1 })
    expect(outcome.latenciesMs).toHaveLength(2)
    expect(outcome.latenciesMs[1]).toBeGreaterThanOrEqual(60)
  })

  it('before the end of the warm-up does not count', async () => {
    const caller = { send: async () => 200 }
    const { requests } = await playLoad({ arrivals: at(0, 1, 20), callers: [caller], warmupMs: 10, timeoutMs: 60 })
    expect(requests).toBe(1)
  })
})

describe('a comparison', () => {
  it('takes ratios within a round, so that a slow round for all changes nothing', () => {
    const { figures } = compare('equal', {
      adaptive: [played([10]), played([100]), played([20])],
      other: [played([20]), played([200]), played([40], { 500: 1 })],
    })
    expect(figures.other).toMatchObject({ p99Ms: 40, p99Ratio: { median: 2, least: 2, most: 2 }, errorRatio: 0.25, failures: { 500: 1 } })
    expect(figures.adaptive).toMatchObject({ p99Ms: 20, errorRatio: 0 })
  })

  it('has no ratios when ours was not played', () => {
    expect(compare('equal', { other: [played([1])] }).figures.other!.p99Ratio).toBeUndefined()
  })
})
