import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../src/base/random.js'
import type { BalancerLabOptions } from '../src/balancing-lab.js'
import { IDS, labBench, type LabBench } from './support/lab-bench.js'
import type { Answer } from './support/simulated-traffic.js'

const chance = seededRandom(11)
const ALGORITHMS = ['adaptive', 'least-loaded', 'round-robin', 'random', 'weighted', 'ring-hash'] as const
type Algorithm = (typeof ALGORITHMS)[number]

/** A pick for a key of its own, by which `ring-hash` chooses. */
const keyed = ({ lab }: LabBench, key: number): ReturnType<LabBench['lab']['pick']> => lab.pick([], ['x-key', `${key}`])

describe.each(ALGORITHMS)('the balancer by %s, whatever happens', (algorithm) => {
  const options = { algorithm, hashHeader: 'x-key' }
  const result = fc.constantFrom(undefined, { status: 503 }, { error: 'connect' as const }, { error: 'cancelled' as const }, { status: 503, retryAfterSec: 3 }, { status: 503, retryAfterSec: 20 })
  const listed = fc.record({ id: fc.constantFrom(...IDS), weight: fc.constantFrom(0, 1, 3), status: fc.constantFrom('ready' as const, 'ready' as const, 'draining' as const) })
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), key: fc.nat(99) }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(), result }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 40, 700, 31_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), endpoints: fc.uniqueArray(listed, { selector: ({ id }) => id }) }) },
  )

  it('picks only what is ready, or a single request for one that is ejected and whose time is over, and nothing only when nothing is ready', () => {
    let probes = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
        const each = labBench(IDS, options)
        const { lab, clock } = each
        const untilMs = new Map<string, number>()
        const probed = new Map<string, ReturnType<typeof lab.begin>>()
        lab.on('ejected', ({ endpoint, forMs }) => untilMs.set(endpoint, clock.now() + forMs))
        let open: ReturnType<typeof lab.begin>[] = []
        for (const step of steps) {
          if (step.kind === 'wait') clock.runUntil(clock.now() + step.ms)
          else if (step.kind === 'list') {
            lab.setEndpoints(step.endpoints)
            // Another one that comes under the same name later has nothing to do with it.
            const gone = IDS.filter((id) => !step.endpoints.some((endpoint) => endpoint.id === id))
            for (const id of gone) probed.delete(id)
            open = open.filter(({ node }) => !gone.includes(node.id))
          } else if (step.kind === 'end') {
            const attempt = open.splice(step.which % Math.max(1, open.length), 1)[0]
            if (attempt === undefined) continue
            if (probed.get(attempt.node.id) === attempt) probed.delete(attempt.node.id)
            lab.end(attempt, step.result)
          } else {
            const before = lab.explain()
            const node = keyed(each, step.key)
            if (node === undefined) {
              expect(before.filter(({ state }) => state === 'ready')).toEqual([])
              continue
            }
            const { state } = before.find(({ id }) => id === node.id)!
            const attempt = lab.begin(node)
            open.push(attempt)
            if (state === 'ready') continue
            expect(state).toBe('ejected')
            expect(clock.now()).toBeGreaterThanOrEqual(untilMs.get(node.id)!)
            expect(probed.has(node.id)).toBe(false)
            probed.set(node.id, attempt)
            probes++
          }
        }
      }),
      { numRuns: 100 },
    )
    expect(probes).toBeGreaterThan(0)
  })
})

/** Bounds of a count that is drawn by lot: beyond six deviations nobody has ever been. */
const byLot = (picks: number, chance: number): number => 6 * Math.sqrt(picks * chance * (1 - chance)) + 1

describe('requests that come at once', () => {
  const counts = (each: LabBench, picks: number): Map<string, number> => {
    const counts = new Map<string, number>()
    for (let i = 0; i < picks; i++) {
      const node = keyed(each, i)!
      each.lab.begin(node)
      counts.set(node.id, (counts.get(node.id) ?? 0) + 1)
    }
    return counts
  }
  const idsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `users-${i}`)

  const strays: Readonly<Record<Algorithm, (picks: number, count: number) => number>> = {
    adaptive: () => 1,
    'least-loaded': () => 1,
    'round-robin': () => 1,
    weighted: () => 2,
    random: (picks, count) => byLot(picks, 1 / count),
    'ring-hash': (picks, count) => byLot(picks, 1 / count),
  }
  it.each<[Algorithm, string]>([
    ['adaptive', 'one'],
    ['least-loaded', 'one'],
    ['round-robin', 'one'],
    ['weighted', 'two'],
    ['random', 'six deviations of a lot'],
    ['ring-hash', 'six deviations of a lot'],
  ])('are given to equals by %s in equal parts, to within %s', (algorithm) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 600 }), (count, picks) => {
        const given = counts(labBench(idsOf(count), { algorithm, hashHeader: 'x-key' }), picks)
        for (const id of idsOf(count)) {
          expect(Math.abs((given.get(id) ?? 0) - picks / count)).toBeLessThanOrEqual(strays[algorithm](picks, count))
        }
      }),
      { numRuns: 60 },
    )
  })

  const most: Readonly<Record<Algorithm, (picks: number, count: number, least: number) => number>> = {
    adaptive: () => 1,
    'least-loaded': (_picks, _count, least) => least + 1,
    'round-robin': (picks, count) => Math.ceil(picks / count),
    weighted: (picks, count) => picks / count + 2,
    random: (picks, count) => picks / count + byLot(picks, 1 / count),
    'ring-hash': (picks, count) => Math.max(8, Math.ceil((1.25 * (picks + count)) / count)),
  }
  it.each<[Algorithm, string]>([
    ['adaptive', 'one until it has answered'],
    ['least-loaded', 'what the least loaded of the others has, and one more'],
    ['round-robin', 'its turn'],
    ['weighted', 'its share and two more'],
    ['random', 'its share and six deviations'],
    ['ring-hash', 'eight, or 1.25 times its share'],
  ])('send to an endpoint that is new, by %s, no more than %s', (algorithm) => {
    const latencies = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(latencies, fc.integer({ min: 0, max: 300 }), (latencies, picks) => {
        const ids = idsOf(latencies.length)
        const each = labBench(ids, { algorithm, hashHeader: 'x-key' })
        const { lab, clock } = each
        for (let i = 0; i < 5; i++) {
          for (const [at, id] of ids.entries()) {
            const attempt = lab.begin(lab.pick(ids.filter((other) => other !== id))!)
            clock.runUntil(clock.now() + latencies[at]!)
            lab.end(attempt)
          }
        }
        lab.setEndpoints([...ids, 'new'].map((id) => ({ id })))
        const given = counts(each, picks)
        const least = Math.min(...ids.map((id) => given.get(id) ?? 0))
        expect(given.get('new') ?? 0).toBeLessThanOrEqual(most[algorithm](picks, ids.length + 1, least))
      }),
      { numRuns: 60 },
    )
  })
})

describe('no ready endpoint starves', () => {
  const PER_SEC = 100
  const servers = fc.array(
    fc.record({ afterMs: fc.integer({ min: 1, max: 2_000 }), failureRatio: fc.constantFrom(0, 0, 0.3, 1), weight: fc.constantFrom(0.01, 1, 10) }),
    { minLength: 2, maxLength: 8 },
  )
  const neverEjects = { consecutiveFailures: 0, successRate: { stdevFactor: 0 }, failureRatio: { threshold: 0 } }

  /** The longest time in which one of them was not tried, over that long a time and with answers as slow and as bad as these say. */
  function longestWithoutMs(options: Partial<BalancerLabOptions>, kinds: readonly { afterMs: number; failureRatio: number; weight: number }[], forMs: number): number {
    const ids = kinds.map((_, i) => `users-${i}`)
    const { lab, clock, traffic } = labBench(ids, { ...options, outlier: neverEjects })
    lab.setEndpoints(kinds.map(({ weight }, i) => ({ id: ids[i]!, weight })))
    const answer = (id: string): Answer => {
      const { afterMs, failureRatio } = kinds[ids.indexOf(id)]!
      return chance() < failureRatio ? { afterMs, result: { status: 500 } } : { afterMs }
    }
    const { attempts } = traffic({ ratePerSec: PER_SEC, answer }).run(forMs)
    expect(clock.now()).toBeGreaterThanOrEqual(forMs)
    return Math.max(
      ...ids.map((id) => {
        const times = [0, ...attempts.filter((attempt) => attempt.id === id).map(({ atMs }) => atMs), forMs]
        return Math.max(...times.slice(1).map((atMs, i) => atMs - times[i]!))
      }),
    )
  }

  it('by adaptive: however slow, failing or light, it is tried within 30 s and 200 calls for each endpoint there is', () => {
    fc.assert(
      fc.property(servers, (kinds) => {
        // A Poisson stream of so many calls takes at most a quarter longer than their mean.
        const withinMs = 30_000 + 1.25 * kinds.length * 200 * (1_000 / PER_SEC)
        expect(longestWithoutMs({ algorithm: 'adaptive' }, kinds, 2.2 * withinMs)).toBeLessThanOrEqual(withinMs)
      }),
      { numRuns: 12 },
    )
  })

  it.each([
    ['round-robin', 'as many calls as there are endpoints', (total: number) => total],
    ['weighted', 'three times the calls in which it has one due', (total: number, weight: number) => Math.ceil((3 * total) / weight)],
    ['random', '40 times as many calls as there are endpoints', (total: number) => 40 * total],
    ['least-loaded', '40 times as many calls as there are endpoints', (total: number) => 40 * total],
    ['ring-hash', '40 times as many keys as there are endpoints', (total: number) => 40 * total],
  ] as const)('by %s: it is tried within %s', (algorithm, _, within) => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(weights, fc.nat(200), (given, before) => {
        const weights = algorithm === 'weighted' ? given : given.map(() => 1)
        const total = weights.reduce((sum, weight) => sum + weight, 0)
        const each = labBench([], { algorithm, hashHeader: 'x-key' })
        each.lab.setEndpoints(weights.map((weight, i) => ({ id: `users-${i}`, weight })))
        const call = (key: number): string => {
          const attempt = each.lab.begin(keyed(each, key)!)
          each.lab.end(attempt)
          return attempt.node.id
        }
        for (let i = 0; i < before; i++) call(i)
        for (const [i, weight] of weights.entries()) {
          const picked = Array.from({ length: within(total, weight) }, (_, key) => call(before + key))
          expect(picked).toContain(`users-${i}`)
        }
      }),
      { numRuns: 30 },
    )
  })
})
