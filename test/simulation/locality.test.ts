import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { LeastLoadedPicker } from '../../src/balancer/least-loaded.js'
import { candidates } from '../../src/balancer/level.js'
import { levelsOf, localityDefaults } from '../../src/balancer/locality.js'
import type { Endpoint, Place } from '../../src/call/endpoint.js'
import { nodesOf } from '../balancer/support.js'

const PICKS = 20_000
const HERE: Place = { zone: 'a', region: 'eu' }

function endpoints(count: number, fields: Partial<Endpoint>): Partial<Endpoint>[] {
  return Array.from({ length: count }, () => fields)
}

/** Percent of the calls that reach each zone. */
function traffic(known: readonly Partial<Endpoint>[], here: Place = HERE): Record<string, number> {
  const random = seededRandom(11)
  const picker = new LeastLoadedPicker(random)
  const levels = levelsOf(nodesOf(...known), here, localityDefaults)
  const counts: Record<string, number> = {}
  for (let i = 0; i < PICKS; i++) {
    const { zone = 'none', region = 'none' } = picker.pick(candidates(levels, [], random))!.endpoint
    counts[`${region}-${zone}`] = (counts[`${region}-${zone}`] ?? 0) + 100 / PICKS
  }
  return Object.fromEntries(Object.entries(counts).map(([zone, percent]) => [zone, Math.round(percent)]))
}

describe('calls from zone a of region eu', () => {
  const abroad = endpoints(3, { zone: 'a', region: 'us' })
  const around = endpoints(3, { zone: 'b', region: 'eu' })
  const own = (ready: number): Partial<Endpoint>[] => [
    ...endpoints(ready, HERE),
    ...endpoints(3 - ready, { ...HERE, status: 'draining' }),
  ]

  it('stay at home while everything there is ready', () => {
    expect(traffic([...own(3), ...around, ...abroad])).toEqual({ 'eu-a': 100 })
  })

  it('leave little by little as the zone goes down, for the region', () => {
    expect(traffic([...own(2), ...around, ...abroad])).toEqual({ 'eu-a': 93, 'eu-b': 7 })
    expect(traffic([...own(1), ...around, ...abroad])).toEqual({ 'eu-a': 47, 'eu-b': 53 })
    expect(traffic([...own(0), ...around, ...abroad])).toEqual({ 'eu-b': 100 })
  })

  it('leave the region when there is nobody', () => {
    expect(traffic(abroad)).toEqual({ 'us-a': 100 })
  })

  it('are spread as ever where endpoints tell no zone', () => {
    expect(traffic(endpoints(3, {}))).toEqual({ 'none-none': 100 })
    const mixed = traffic([...endpoints(2, { zone: 'b' }), ...endpoints(2, { zone: 'c' })], { zone: undefined, region: undefined })
    expect(Object.values(mixed).every((percent) => Math.abs(percent - 50) <= 1)).toBe(true)
  })
})

describe('callers spread evenly over zones of unequal size', () => {
  /** Load of the busiest endpoint over the mean, and the share of calls that stay in their zone. */
  function outcome(sizes: readonly number[], overprovisioning = localityDefaults.overprovisioning): { busiest: number; local: number } {
    const nodes = nodesOf(...sizes.flatMap((size, zone) => endpoints(size, { zone: `${zone}`, region: 'eu' })))
    const load = new Map(nodes.map((node) => [node, 0]))
    let local = 0
    for (const zone of sizes.keys()) {
      for (const level of levelsOf(nodes, { zone: `${zone}`, region: 'eu' }, { mode: 'prefer', overprovisioning })) {
        if (level.proximity === 'zone') local += level.share / sizes.length
        for (const node of level.nodes) load.set(node, load.get(node)! + level.share / sizes.length / level.nodes.length)
      }
    }
    return { busiest: Math.max(...load.values()) * nodes.length, local }
  }

  it.each([
    { sizes: [3, 3, 3], busiest: 1, local: 1, strict: 1 },
    { sizes: [4, 3, 2], busiest: 1.4, local: 0.98, strict: 1.5 },
    { sizes: [10, 5, 3], busiest: 1.4, local: 0.9, strict: 2 },
    { sizes: [10, 10, 1], busiest: 1.4, local: 0.73, strict: 7 },
    { sizes: [20, 10, 1], busiest: 1.4, local: 0.71, strict: 10.33 },
  ])('$sizes load the busiest endpoint $busiest times the mean, instead of $strict times if all stayed local', ({ sizes, ...expected }) => {
    const { busiest, local } = outcome(sizes)
    const strict = outcome(sizes, 1_000)
    expect(strict.local).toBeCloseTo(1, 9)
    expect([busiest, local, strict.busiest].map((value) => Math.round(value * 100) / 100)).toEqual([expected.busiest, expected.local, expected.strict])
  })

  it('never load an endpoint of three zones of up to 12 more than 1.7 times the mean', () => {
    let worst = 0
    for (let a = 1; a <= 12; a++) for (let b = 1; b <= a; b++) for (let c = 1; c <= b; c++) worst = Math.max(worst, outcome([a, b, c]).busiest)
    expect(worst).toBeGreaterThan(1.4)
    expect(worst).toBeLessThan(1.7)
  })
})
