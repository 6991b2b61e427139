import { describe, expect, it } from 'vitest'
import type { InstanceRow } from '../../../src/control-plane/monitor/answers.js'
import { slowFactor, stateOf, successOf, toneOf } from '../../../src/control-plane/dashboard/insight.js'

function instance(id: string, more: Partial<InstanceRow> = {}): InstanceRow {
  return {
    service: 'users', id, address: null, zone: null, weight: null, version: null, status: 'passing', count: 100, errors: 0, perSec: 1, share: 0.3, p50Ms: 8, p99Ms: 12, lastSeenAt: 1, callers: [], ...more,
  }
}

describe('what a reader is told', () => {
  it.each([
    [0, 0, 'idle'], [100, 0, 'good'], [100, 1, 'good'], [100, 2, 'warn'], [100, 5, 'warn'], [100, 6, 'bad'],
  ])('of %d calls %d failed: %s', (count, errors, tone) => expect(toneOf({ count, errors })).toBe(tone))

  it('no calls are no failure', () => expect(successOf({ count: 0, errors: 0 })).toBe(1))

  it('an instance is slow beside its equals, and says how many times', () => {
    const all = [instance('a'), instance('b', { p50Ms: 9 }), instance('c', { p50Ms: 85 })]
    expect(all.map((one) => stateOf(one, all))).toEqual(['passing', 'passing', 'slow'])
    expect(slowFactor(all[2]!, all)).toBeCloseTo(10)
  })

  it.each<[string, InstanceRow[]]>([
    ['alone', [instance('a', { p50Ms: 500 })]],
    ['by a hair, however many times it is', [instance('a', { p50Ms: 0.2 }), instance('b', { p50Ms: 2 })]],
    ['on two calls', [instance('a'), instance('b', { p50Ms: 90, count: 2 })]],
    ['beside those of another service', [instance('a', { service: 'mail' }), instance('b', { p50Ms: 90 })]],
  ])('nobody is slow %s', (_, all) => expect(all.map((one) => slowFactor(one, all))).toEqual(all.map(() => undefined)))

  it('what the registry says comes first, and failing is worse than slow', () => {
    const all = [instance('a'), instance('b'), instance('c', { p50Ms: 90, errors: 50 }), instance('d', { p50Ms: 90, status: 'draining' }), instance('e', { status: 'unregistered' })]
    expect(all.map((one) => stateOf(one, all))).toEqual(['passing', 'passing', 'failing', 'draining', 'unregistered'])
  })
})
