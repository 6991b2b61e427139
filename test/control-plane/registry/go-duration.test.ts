import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseGoDuration } from '../../../src/control-plane/registry/go-duration.js'

describe('a Go duration', () => {
  it.each([
    ['10s', 10_000],
    ['5m', 300_000],
    ['1h15m30.5s', 4_530_500],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['250ms', 250],
    ['10us', 0.01],
    ['0', 0],
  ])('%s is %d ms', (text, ms) => expect(parseGoDuration(text)).toBeCloseTo(ms, 9))

  it.each(['', '10', 's', '10 s', '-1s', '1d', '10sx', '.s', '1..5s', 'NaN', '1e3s'])('%j is none', (text) => {
    expect(parseGoDuration(text)).toBeUndefined()
  })

  it('any text is a duration or none, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = parseGoDuration(text)
        expect(ms === undefined || ms >= 0).toBe(true)
      }),
    )
  })

  it('the parts add up', () => {
    const part = fc.nat(999)
    fc.assert(
      fc.property(part, part, part, (h, m, s) => {
        expect(parseGoDuration(`${h}h${m}m${s}s`)).toBe(h * 3_600_000 + m * 60_000 + s * 1_000)
      }),
    )
  })
})
