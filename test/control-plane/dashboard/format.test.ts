import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { age, clockTime, count, duration, percent, perSecond, plural, shortId } from '../../../src/control-plane/dashboard/format.js'

const plain = (text: string): string => text.replaceAll('\u00a0', ' ')

describe('figures as texts', () => {
  it.each([
    [0, '0'], [0.01, '<0.1'], [0.4, '0.4'], [9.94, '9.9'], [9.96, '10'], [160.2, '160'], [1_204, '1,204'], [18_340, '18.3k'],
  ])('%d a second is %s', (rate, text) => expect(perSecond(rate)).toBe(text))

  it.each([
    [1, '100 %'], [0.99999, '99.99 %'], [0.9962, '99.62 %'], [0.927, '92.7 %'], [0, '0.0 %'],
  ])('the ratio %d is %s', (ratio, text) => expect(plain(percent(ratio))).toBe(text))

  it.each([
    [0, '0 ms'], [0.42, '0.42 ms'], [0.999, '1.0 ms'], [8.34, '8.3 ms'], [84.2, '84 ms'], [999.6, '1.00 s'], [1_240, '1.24 s'], [126_000, '2.1 min'],
  ])('%d ms are %s', (ms, text) => expect(plain(duration(ms))).toBe(text))

  it.each([
    [-5, 'now'], [1_900, 'now'], [12_400, '12 s'], [180_000, '3 min'], [7_300_000, '2 h'],
  ])('%d ms ago is %s', (ms, text) => expect(plain(age(ms))).toBe(text))

  it('one failure among however many is never shown as a hundred per cent', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 100_000_000 }), (total) => !percent((total - 1) / total).startsWith('100')))
  })

  it('no figure is longer than its column', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (value) => {
        expect(duration(value).length).toBeLessThanOrEqual(10)
        expect(perSecond(value).length).toBeLessThanOrEqual(8)
      }),
    )
  })

  it('counts, plurals, names and times of day', () => {
    expect(count(1_234_567)).toBe('1,234,567')
    expect([plural(1, 'instance'), plural(3, 'instance')].map(plain)).toEqual(['1 instance', '3 instances'])
    expect([shortId('users-1@sidecarless'), shortId('users-1')]).toEqual(['users-1', 'users-1'])
    expect(clockTime(new Date(2026, 1, 3, 4, 5, 6, 7).getTime())).toBe('04:05:06.007')
  })
})
