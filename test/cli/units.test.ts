import { describe, expect, it } from 'vitest'
import { ago, counted, duration, percent, plain, rate, span, timeOfDay, whole } from '../../src/cli/units.js'

const NOW = 1_800_000_000_000

describe('units', () => {
  it('shows times in the unit that is read at a glance', () => {
    expect([0, 0.4199, 0.9996, 12.34, 99.96, 999.6, 1_240, 59_996, 125_000].map(duration)).toEqual([
      '0.00 ms', '0.42 ms', '1.0 ms', '12.3 ms', '100 ms', '1.00 s', '1.24 s', '1 min', '2 min 5 s',
    ])
    expect([4_400, 60_000, 3_599_000, 7_500_000, 90_000_000].map(span)).toEqual(['4 s', '1 min', '59 min 59 s', '2 h 5 min', '1 d 1 h'])
  })

  it('says 100 % of all, and of nothing less', () => {
    expect([1, 0.99999, 0.9997, 0.99, 0.98999, 0.875, 0].map(percent)).toEqual(['100 %', '99.99 %', '99.97 %', '99.00 %', '98.9 %', '87.5 %', '0 %'])
  })

  it('shows rates with about three digits', () => {
    expect([0, 0.251, 9.996, 48.06, 99.96, 1250.4].map(rate)).toEqual(['0/s', '0.25/s', '10.0/s', '48.1/s', '100/s', '1250/s'])
  })

  it('shows a dash where there is no value', () => {
    for (const shown of [duration, rate, percent, whole, plain]) expect([null, undefined, NaN, Infinity].map(shown)).toEqual(['–', '–', '–', '–'])
    expect([ago(null, NOW), ago(0, NOW), timeOfDay(undefined)]).toEqual(['–', '–', '–'])
  })

  it('says how long ago something was, and counts things', () => {
    expect([ago(NOW - 100, NOW), ago(NOW + 5_000, NOW), ago(NOW - 4_000, NOW)]).toEqual(['now', 'now', '4 s ago'])
    expect([counted(1, 'instance'), counted(2, 'instance')]).toEqual(['1 instance', '2 instances'])
    expect(timeOfDay(NOW)).toMatch(/^\d\d:\d\d:20\.000$|^\d\d:\d\d:00\.000$/)
  })
})
