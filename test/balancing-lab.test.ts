import { describe, expect, it } from 'vitest'
import { seededRandom } from '../src/base/random.js'
import { createBalancerLab } from '../src/balancing-lab.js'
import { IDS, labBench as bench } from './support/lab-bench.js'
import { Traffic, type Answer } from './support/simulated-traffic.js'
import { VirtualClock } from './support/virtual-clock.js'

const chance = seededRandom(11)
/** A good answer after some 10 ms. */
const good = (factor = 1): Answer => ({ afterMs: (5 - Math.log(1 - chance()) * 5) * factor })
const refused: Answer = { afterMs: 1, result: { error: 'connect' } }

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!
}

describe('the balancer of a mesh, under simulated faults', () => {
  it('offers calls for what they usually take, and goes to others than those that would take longer', () => {
    const { lab, clock, traffic } = bench()
    expect(lab.offerMs()).toBe(0)
    traffic({ ratePerSec: 200, answer: () => good() }).run(20_000)
    expect(lab.offerMs()).toBeGreaterThan(8)
    expect(lab.offerMs()).toBeLessThan(12)
    const refuser = lab.pick()!
    lab.end(lab.begin(refuser), { spilledMs: 500 })
    expect(lab.explain().find(({ id }) => id === refuser.id)).toMatchObject({ state: 'ready', score: { latencyMs: 500 } })
    for (let i = 0; i < 50; i++) {
      const node = lab.pick()!
      expect(node.id).not.toBe(refuser.id)
      lab.end(lab.begin(node))
    }
    clock.runUntil(clock.now() + 600)
    expect(lab.explain().find(({ id }) => id === refuser.id)!.score.latencyMs).toBeLessThan(20)
  })

  it('N01 loses nothing when one of five refuses, and has it out of rotation after five failures', () => {
    const { traffic, ejections } = bench()
    const run = traffic({ ratePerSec: 200, maxResends: 2, answer: (id, nowMs) => (id === 'c' && nowMs > 5_000 ? refused : good()) }).run(20_000)
    expect(run.lost).toBe(0)
    expect(run.extra).toBeLessThanOrEqual(1.02)
    expect(ejections).toMatchObject([{ endpoint: 'c', reason: 'consecutive-failures', forMs: 30_000 }])
    const failures = run.attempts.filter(({ id, atMs }) => id === 'c' && atMs > 5_000)
    expect(failures.length).toBeLessThanOrEqual(7)
  })

  it('N05 gives one that is ten times slower at most 5 % after 10 s', () => {
    const { traffic } = bench()
    const healthy = percentile(traffic({ ratePerSec: 500, answer: () => good() }).run(20_000).latencies, 0.99)
    const run = traffic({ ratePerSec: 500, answer: (id) => good(id === 'c' ? 10 : 1) })
    const slowFromMs = 21_000
    run.run(30_000)
    expect(run.share('c', slowFromMs + 10_000)).toBeLessThanOrEqual(0.05)
    expect(percentile(run.latencies, 0.99)).toBeLessThanOrEqual(2 * healthy)
  })

  it.each<[string, Answer]>([
    ['503', { afterMs: 1, result: { status: 503 } }],
    ['429', { afterMs: 1, result: { status: 429 } }],
    ['a refusal that bears our mark', { afterMs: 1, result: { status: 503, processed: 'no' } }],
  ])('N06 gives one that fails fast at most 3 %%: %s', (_, failing) => {
    const { traffic } = bench()
    const run = traffic({ ratePerSec: 500, answer: (id) => (id === 'c' ? failing : good()) }).run(60_000)
    expect(run.share('c')).toBeLessThanOrEqual(0.03)
  })

  it.each([
    [3, 'adaptive'],
    [5, 'adaptive'],
    [20, 'round-robin'],
  ] as const)('N07 ejects one of %i that fails half of its calls, by its rate (%s)', (count, algorithm) => {
    const ids = Array.from({ length: count }, (_, i) => `users-${i}`)
    const { traffic, ejections } = bench(ids, { algorithm, outlier: { consecutiveFailures: 0 } })
    const half = (): Answer => (chance() < 0.5 ? { afterMs: 3, result: { status: 500 } } : good())
    const run = traffic({ ratePerSec: 500, maxResends: 3, answer: (id) => (id === 'users-1' ? half() : good()) }).run(60_000)
    expect(ejections[0]).toMatchObject({ endpoint: 'users-1', reason: 'success-rate' })
    expect(ejections.every(({ endpoint }) => endpoint === 'users-1')).toBe(true)
    expect(run.lost).toBe(0)
  })

  it('N08 sends one that flaps every second ever fewer requests, for at most 300 s at a time', () => {
    const { traffic, ejections } = bench()
    const flaps = (nowMs: number): boolean => nowMs % 1_000 < 500
    const run = traffic({ ratePerSec: 200, maxResends: 2, answer: (id, nowMs) => (id === 'c' && flaps(nowMs) ? refused : good()) }).run(1_800_000)
    expect(run.lost).toBe(0)
    expect(run.extra).toBeLessThanOrEqual(1.01)
    const times = ejections.map(({ forMs }) => forMs)
    expect(Math.max(...times)).toBeGreaterThan(times[0]!)
    expect(Math.max(...times)).toBeLessThanOrEqual(300_000)
  })

  it('N28 is as before once all five are back, whatever they did while they were down', () => {
    const { traffic, clock, lab } = bench()
    const isDown = (nowMs: number): boolean => nowMs > 5_000 && nowMs < 25_000
    const answer = (_: string, nowMs: number): Answer => (isDown(nowMs) ? refused : good())
    traffic({ ratePerSec: 400, maxResends: 2, answer }).run(25_000)
    const after = traffic({ ratePerSec: 400, maxResends: 2, answer }).run(60_000)
    expect(after.lost).toBe(0)
    const sinceMs = clock.now() - 30_000
    for (const id of IDS) expect(after.share(id, sinceMs)).toBeGreaterThan(0.05)
    expect(lab.explain().map(({ state }) => state)).toEqual(IDS.map(() => 'ready'))
  })

  it('R06 uses all when all have asked to be left alone', () => {
    const { traffic, lab } = bench()
    const run = traffic({ ratePerSec: 50, answer: () => ({ afterMs: 2, result: { status: 503, retryAfterSec: 60 } }) }).run(5_000)
    expect(lab.explain().every(({ state }) => state === 'ready')).toBe(true)
    for (const id of IDS) expect(run.share(id, 2_000)).toBeGreaterThan(0.1)
  })

  it('R06 respects an ejection as long as half of them are left, and not below', () => {
    const { lab, clock } = bench(['a', 'b', 'c', 'd'])
    const ask = (id: string): void => {
      for (;;) {
        const attempt = lab.begin(lab.pick(IDS.filter((other) => other !== id))!)
        lab.end(attempt, { status: 503, retryAfterSec: 60 })
        if (attempt.node.id === id) return
      }
    }
    ask('a')
    ask('b')
    clock.runUntil(1_000)
    expect(lab.explain().map(({ state }) => state)).toEqual(['ejected', 'ejected', 'ready', 'ready'])
    ask('c')
    expect(lab.explain().map(({ state }) => state)).toEqual(['ready', 'ready', 'ready', 'ready'])
  })

  it('L05 ejects nobody, and thinks no worse of anybody, because this process stood still for 500 ms', () => {
    const { traffic, clock, lab, ejections } = bench()
    const run = traffic({ ratePerSec: 500, answer: () => good() })
    run.run(10_000)
    const latencyBefore = lab.explain().map(({ latencyMs }) => latencyMs!)
    // Many are under way, and what comes due is an answer for some and a timeout for others.
    const stuck = Array.from({ length: 40 }, () => lab.begin(lab.pick()!))
    clock.runUntil(clock.now() + 5)
    clock.standStill(500)
    stuck.forEach((attempt, i) => lab.end(attempt, i % 2 === 0 ? { error: 'timeout' } : undefined))
    expect(ejections).toEqual([])
    lab.explain().forEach(({ latencyMs, successRatio }, i) => {
      expect(latencyMs).toBe(latencyBefore[i])
      expect(successRatio).toBe(1)
    })
    clock.runUntil(clock.now() + 1_000)
    const after = traffic({ ratePerSec: 500, answer: () => good() }).run(10_000)
    for (const id of IDS) expect(after.share(id)).toBeGreaterThan(0.1)
  })

  it('L06 leaves one alone for the time that it asks for, and comes back to it with one request', () => {
    const { traffic, lab, clock, ejections, returns } = bench()
    traffic({ ratePerSec: 100, answer: () => good() }).run(2_000)
    let askedAtMs: number | undefined
    const run = traffic({
      ratePerSec: 200,
      answer: (id, nowMs) => {
        if (id !== 'b' || askedAtMs !== undefined) return good()
        askedAtMs = nowMs
        return { afterMs: 1, result: { status: 503, retryAfterSec: 5 } }
      },
    }).run(20_000)
    const later = run.attempts.filter(({ id, atMs }) => id === 'b' && atMs > askedAtMs! + 100)
    expect(later[0]!.atMs - askedAtMs!).toBeGreaterThanOrEqual(5_000)
    expect(later[0]!.atMs - askedAtMs!).toBeLessThanOrEqual(6_200)
    expect(ejections).toMatchObject([{ endpoint: 'b', reason: 'asked-for' }])
    expect(returns).toEqual([{ service: 'lab', endpoint: 'b' }])
    expect(lab.explain().find(({ id }) => id === 'b')!.state).toBe('ready')
    expect(clock.now()).toBeGreaterThan(askedAtMs! + 5_000)
  })
})

describe('the adaptive balancer', () => {
  it('sends an endpoint that is new no more than one request until it has answered, and little at first', () => {
    const { traffic, lab, clock } = bench()
    traffic({ ratePerSec: 2_000, answer: () => good() }).run(5_000)
    lab.setEndpoints([...IDS, 'new'].map((id) => ({ id })))
    const fromMs = clock.now()
    let inFlight = 0
    let most = 0
    let answered = false
    const run = traffic({
      ratePerSec: 2_000,
      answer: (id) => {
        if (id !== 'new') return good()
        const { afterMs } = good()
        if (!answered) most = Math.max(most, ++inFlight)
        clock.after(afterMs, () => {
          inFlight--
          answered = true
        })
        return { afterMs }
      },
    }).run(20_000)
    expect(most).toBe(1)
    const early = run.attempts.filter(({ atMs }) => atMs < fromMs + 1_000)
    expect(early.filter(({ id }) => id === 'new').length / early.length).toBeLessThan(0.06)
    expect(run.share('new', fromMs + 12_000)).toBeGreaterThan(0.12)
  })

  it('starts no endpoint slowly that was there from the beginning', () => {
    const { lab } = bench()
    expect(lab.explain().map(({ score }) => score.ramp)).toEqual(IDS.map(() => 1))
  })

  it('has weights and speed multiply', () => {
    const clock = new VirtualClock()
    const random = seededRandom(3)
    const lab = createBalancerLab({ clock, random })
    lab.setEndpoints([{ id: 'a', weight: 3 }, { id: 'b', weight: 1 }])
    const run = new Traffic({ lab, clock, random, ratePerSec: 4_000, answer: () => good() }).run(20_000)
    expect(run.share('a') / run.share('b')).toBeGreaterThan(2.5)
    expect(run.share('a') / run.share('b')).toBeLessThan(3.5)
  })

  it.each([
    ['all of them say it', true],
    ['the others say nothing', false],
  ])('leaves one aside that has more to do than usual, and comes back, when %s', (_, allReport) => {
    const { clock, lab } = bench(['a', 'b'])
    const answers = (id: string, inFlight: number): void => {
      const attempt = lab.begin(lab.pick([id === 'a' ? 'b' : 'a'])!)
      clock.runUntil(clock.now() + 10)
      lab.end(attempt, id === 'a' || allReport ? { report: { inFlight } } : undefined)
    }
    for (let i = 0; i < 60; i++) for (const id of ['a', 'b']) answers(id, 4)
    answers('a', 40)
    const picks = (): string[] => Array.from({ length: 20 }, () => lab.pick()!.id)
    expect(new Set(picks())).toEqual(new Set(['b']))
    clock.runUntil(clock.now() + 2_000)
    const attempt = lab.begin(lab.pick(['a'])!)
    expect(new Set(picks())).toEqual(new Set(['a']))
    lab.end(attempt, { error: 'cancelled' })
  })
})
