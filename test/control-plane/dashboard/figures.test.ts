import { describe, expect, it } from 'vitest'
import { ask } from '../../../src/control-plane/dashboard/ask.js'
import type { Pick, ServiceRow } from '../../../src/control-plane/monitor/answers.js'
import { groupDenials } from '../../../src/control-plane/dashboard/denials/group.js'
import { Histories } from '../../../src/control-plane/dashboard/history.js'
import { costFactors, newestPick, sumInFlight, timesCheapest } from '../../../src/control-plane/dashboard/service/picks.js'
import { hueOf } from '../../../src/control-plane/dashboard/traces/hue.js'
import { shopWorld } from './world.js'

/** A pick of which nothing but its time is known. */
const UNKNOWN: Pick = {
  at: 1, costMs: null, latencyMs: null, successRatio: null, inFlight: null, ramp: null, weight: null, report: null, stalled: false, candidates: null, excluded: null,
}

const world = shopWorld(1_000_000)

describe('figures that the page reckons', () => {
  it('questions leave out what is not asked, and escape what is', () => {
    expect(ask('/api/traces', { service: 'a&b', limit: 5, failed: '', minMs: undefined })).toBe('/api/traces?service=a%26b&limit=5')
    expect(ask('/api/memory')).toBe('/api/memory')
  })

  it('denials of one caller by one service for one reason are one thing, most often first', () => {
    const groups = groupDenials(world.denials)
    expect(groups.map(({ count }) => count)).toEqual([20, 20, 15, 5])
    expect(groups.at(-1)).toMatchObject({ caller: 'edge', service: 'users', code: 'MESH_ERR_FORBIDDEN', lastAt: 1_000_000 - 5 * 731 })
  })

  it('the parts of a cost, multiplied, are the cost', () => {
    const pick = { ...UNKNOWN, latencyMs: 10, inFlight: 1, successRatio: 0.5, ramp: 0.5, weight: 2, report: 1.5 }
    const product = costFactors(pick).reduce((cost, { times }) => cost * times, 1)
    expect(product).toBeCloseTo((10 * 2 * 1.5) / (0.5 ** 3 * 0.5 * 2))
    expect(costFactors(UNKNOWN)).toEqual([])
  })

  it('of several callers the newest choice counts, and all that is in flight', () => {
    const users = world.instances.filter(({ service }) => service === 'users')
    const one = { ...users[0]!, callers: [1, 3, 2].map((at) => ({ caller: `c${at}`, count: 1, pick: { ...UNKNOWN, at, inFlight: at, costMs: at } })) }
    expect(newestPick(one)?.at).toBe(3)
    expect(sumInFlight(one)).toBe(6)
    expect(sumInFlight({ ...one, callers: [{ caller: 'c', count: 1, pick: null }] })).toBeUndefined()
    expect(timesCheapest('orders', users[2]!.callers[0]!.pick!, users)).toBeCloseTo(83.9 / 9.1)
    expect(timesCheapest('nobody', users[2]!.callers[0]!.pick!, users)).toBeUndefined()
  })

  it('a history breaks its line where nothing was asked, takes each answer once, and is bounded', () => {
    const histories = new Histories()
    const row = world.services.find(({ service }) => service === 'users')!
    const idle: ServiceRow = { ...row, count: 0, perSec: 0 }
    for (const [at, one] of [[1_000, row], [1_000, row], [2_000, idle], [60_000, row]] as const) histories.add(at, [one])
    const { at, perSec, p99Ms } = histories.of('users')
    expect(at).toEqual([1_000, 2_000, 2_001, 60_000])
    expect(perSec).toEqual([row.perSec, 0, null, row.perSec])
    expect(p99Ms).toEqual([row.p99Ms, null, null, row.p99Ms])
    for (let n = 0; n < 2_000; n++) histories.add(61_000 + n * 1_000, [row])
    expect(histories.of('users').at.length).toBeLessThanOrEqual(601)
  })

  it('services have hues of their own', () => {
    const hues = world.services.map(({ service }) => Math.round(hueOf(service)))
    expect(new Set(hues).size).toBe(hues.length)
  })
})
