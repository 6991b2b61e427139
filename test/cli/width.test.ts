import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, fit, lineOf, printable, widthOf } from '../../src/cli/width.js'
import { anyText } from './any-text.js'

describe('width', () => {
  it.each([
    ['users', 5],
    ['', 0],
    ['订单', 4],
    ['주문', 4],
    ['ｆｕｌｌ', 8],
    ['café', 4],
    ['cafe\u0301', 4],
    ['👍', 2],
    ['👍🏽', 2],
    ['👨‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['❤️', 2],
    ['→ ⇒ ━ … –', 9],
    ['1️⃣', 2],
  ])('%s takes %d columns', (text, columns) => {
    expect(widthOf(text)).toBe(columns)
  })

  it('cuts to so many columns at most and says so, never through a character', () => {
    expect([cut('订单服务', 5), cut('users', 5), cut('users', 4), cut('users', 1), cut('users', 0)]).toEqual(['订单…', 'users', 'use…', '…', ''])
    fc.assert(
      fc.property(anyText, fc.nat(30), (raw, columns) => {
        const text = printable(raw)
        const shown = cut(text, columns)
        expect(widthOf(shown)).toBeLessThanOrEqual(columns)
        if (widthOf(text) <= columns) expect(shown).toBe(text)
        else if (columns > 0) expect(text.startsWith(shown.slice(0, -1))).toBe(true)
      }),
    )
  })

  it('fills up to exactly so many columns', () => {
    expect([fit('订', 4), fit('订', 4, 'right')]).toEqual(['订  ', '  订'])
    fc.assert(fc.property(anyText, fc.nat(30), (raw, columns) => void expect(widthOf(fit(printable(raw), columns))).toBe(columns)))
  })

  it('lets nothing through that a terminal would obey, whatever a span brings', () => {
    expect(printable('\x1b]0;owned\x07users\u202e')).toBe('\ufffd]0;owned\ufffdusers\ufffd')
    fc.assert(
      fc.property(anyText, (text) => {
         
        expect(lineOf(text, 40)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/)
      }),
    )
  })
})
