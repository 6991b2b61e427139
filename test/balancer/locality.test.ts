import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { levelsOf, localityDefaults } from '../../src/balancer/locality.js'
import type { Endpoint, Place } from '../../src/call/endpoint.js'
import { nodesOf } from './support.js'

const HERE: Place = { zone: 'a', region: 'eu' }
const [a, b, c, far] = [
  { zone: 'a', region: 'eu' }, { zone: 'b', region: 'eu' }, { zone: 'c', region: 'eu' }, { zone: 'a', region: 'us' },
] as const
const gone = { status: 'draining' } as const

/** Proximity, priority above 0, and share in percent of every level. */
function shares(endpoints: readonly Partial<Endpoint>[], here = HERE, policy = localityDefaults): string {
  const levels = levelsOf(nodesOf(...endpoints), here, policy)
  return levels.map(({ priority, proximity, share }) => `${proximity}${priority || ''} ${Math.round(share * 100)}`).join(', ')
}

describe('levels by locality', () => {
  it.each<[string, readonly Partial<Endpoint>[], string]>([
    ['keep all calls in the zone while all of it is ready', [a, a, a, b, b, b, far], 'zone 100, region 0, elsewhere 0'],
    ['spill what exceeds its capacity when one of three is gone', [a, a, { ...a, ...gone }, b, b, b], 'zone 93, region 7'],
    ['spill most when two of three are gone', [a, { ...a, ...gone }, { ...a, ...gone }, b, b, b], 'zone 47, region 53'],
    ['go to the region when nothing in the zone is ready', [{ ...a, ...gone }, b, b, far], 'region 100, elsewhere 0'],
    ['go elsewhere when nothing in the region is ready', [{ ...a, ...gone }, { ...b, ...gone }, far], 'elsewhere 100'],
    ['go elsewhere gradually', [b, { ...b, ...gone }, { ...c, ...gone }, far], 'region 47, elsewhere 53'],
    ['are one where nobody names a place', [{}, {}, {}], 'elsewhere 100'],
    ['are none where nobody is ready', [{ ...a, ...gone }], ''],
    ['take a zone of the same name in another region for another zone', [far, b], 'region 100, elsewhere 0'],
    ['take a zone for what its name says where no region is told', [{ zone: 'a' }, { zone: 'b' }], 'zone 100, elsewhere 0'],
    ['prefer a near one of a low priority number', [{ ...a, priority: 1 }, b], 'region 100, zone1 0'],
    ['fail over by priority', [a, { ...a, ...gone }, { ...b, ...gone }, { ...a, priority: 7 }], 'zone 70, zone7 30'],
    ['fail over by priority only when the region and elsewhere have no capacity', [
      a, { ...a, ...gone }, b, { ...far, ...gone }, { ...far, priority: 1 },
    ], 'zone 70, region 30, elsewhere1 0'],
    ['overload all alike when nobody has the capacity', [a, ...Array(9).fill({ ...a, ...gone }), b, ...Array(19).fill({ ...b, ...gone })], 'zone 67, region 33'],
    ['go by weight and not by count', [{ ...a, weight: 3 }, { ...a, ...gone, weight: 7 }, { ...b, weight: 10 }], 'zone 42, region 58'],
    ['leave weight 0 out', [{ ...a, weight: 0 }, b], 'region 100'],
    ['take weight 0 when there is nothing else', [{ ...a, weight: 0 }, { ...b, weight: 0 }, { ...b, ...gone }], 'zone 100, region 0'],
  ])('%s', (_, endpoints, expected) => {
    expect(shares(endpoints)).toBe(expected)
  })

  it('send into a zone that is too small only its even share of the calls and what overprovisioning allows', () => {
    expect(shares([a, ...Array<typeof b>(10).fill(b), ...Array<typeof c>(10).fill(c)])).toBe('zone 20, region 80')
    expect(shares([a, b, b, b])).toBe('zone 70, region 30')
    expect(shares([a, b, b, c])).toBe('zone 100, region 0')
    expect(shares([a, a, a, b])).toBe('zone 100, region 0')
    // Regions are as large as their callers are many: none has to help another out.
    expect(shares([a, far, far, far, far])).toBe('zone 100, elsewhere 0')
  })

  it('notice a loss that the registry tells by leaving the endpoint out', () => {
    expect(shares([a, b, b, b, c, c, c])).toBe('zone 60, region 40')
  })

  it('spill earlier or later as overprovisioning says', () => {
    const endpoints = [a, { ...a, ...gone }, b, b]
    expect(shares(endpoints, HERE, { mode: 'prefer', overprovisioning: 1 })).toBe('zone 50, region 50')
    expect(shares(endpoints, HERE, { mode: 'prefer', overprovisioning: 100 })).toBe('zone 100, region 0')
  })

  it('are one per priority when locality is off, or when nobody knows where the caller is', () => {
    const endpoints = [a, b, far, {}, { ...a, priority: 1 }]
    expect(shares(endpoints, HERE, { ...localityDefaults, mode: 'off' })).toBe('elsewhere 100, elsewhere1 0')
    expect(shares(endpoints, { zone: undefined, region: undefined })).toBe('elsewhere 100, elsewhere1 0')
  })

  it('hold every ready node once, in the order of the registry, and their shares make 1', () => {
    const name = (...names: string[]) => fc.option(fc.constantFrom(...names), { nil: undefined })
    const endpoint = fc.record({
      zone: name('a', 'b', 'c'),
      region: name('eu', 'us'),
      priority: fc.nat(2),
      weight: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 65_535 }), fc.double({ min: 0.001, max: 10, noNaN: true })),
      status: fc.constantFrom('ready' as const, 'draining' as const),
    })
    const policy = fc.record({ mode: fc.constantFrom('prefer' as const, 'off' as const), overprovisioning: fc.double({ min: 1, max: 9, noNaN: true }) })
    const here = fc.record({ zone: name('a', 'b'), region: name('eu', 'us') })
    fc.assert(
      fc.property(fc.array(endpoint, { maxLength: 30 }), here, policy, (endpoints, here, policy) => {
        const nodes = nodesOf(...endpoints)
        const levels = levelsOf(nodes, here, policy)
        const ready = nodes.filter(({ state }) => state === 'ready')
        const weighted = ready.filter(({ weight }) => weight > 0)
        const expected = weighted.length > 0 ? weighted : ready
        const held = new Set(levels.flatMap((level) => level.nodes))
        expect(nodes.map((node) => held.has(node))).toEqual(nodes.map((node) => expected.includes(node)))
        expect(levels.reduce((count, level) => count + level.nodes.length, 0)).toBe(expected.length)
        if (expected.length === 0) return
        expect(levels.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9)
        expect(levels[0]!.share).toBeGreaterThan(0)
        for (const { share, nodes } of levels) {
          expect(share).toBeGreaterThanOrEqual(0)
          expect(nodes.map((node) => ready.indexOf(node))).toEqual(nodes.map((node) => ready.indexOf(node)).sort((x, y) => x - y))
        }
      }),
    )
  })

  it('never give the nearest level less when one more of it is ready', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(12), fc.nat(12), fc.integer({ min: 1, max: 9 }), (ready, drained, others, zones) => {
        const share = (count: number): number => {
          const own = [...Array<Partial<Endpoint>>(count).fill(a), ...Array<Partial<Endpoint>>(drained).fill({ ...a, ...gone })]
          const rest = Array.from({ length: others }, (_, i) => ({ zone: `z${i % zones}`, region: 'eu' }))
          return levelsOf(nodesOf(...own, ...rest), HERE, localityDefaults)[0]!.share
        }
        expect(share(ready + 1)).toBeGreaterThanOrEqual(share(ready) - 1e-12)
      }),
    )
  })
})
