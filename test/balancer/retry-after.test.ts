import { describe, expect, it } from 'vitest'
import { askedPauseMs } from '../../src/balancer/retry-after.js'
import { NOT_PROCESSED_HEADER } from '../../src/call/outcome.js'
import { FakeClock } from '../support/fake-clock.js'

const clock = new FakeClock(Date.UTC(2030, 0, 1, 12, 0, 0))

describe('the pause that an endpoint asks for', () => {
  it.each([
    ['seconds', '5', 5_000],
    ['a date', 'Tue, 01 Jan 2030 12:00:30 GMT', 30_000],
    ['a date that is over', 'Tue, 01 Jan 2030 11:00:00 GMT', 0],
    ['what is neither', 'soon', 0],
    ['a negative number', '-1', 0],
    ['far too many digits', '9'.repeat(400), 0],
  ])('is read from %s', (_, value, pauseMs) => {
    expect(askedPauseMs({ status: 503, headers: { 'retry-after': value } }, clock)).toBe(pauseMs)
  })

  it('is none without the field, or with two of them', () => {
    expect(askedPauseMs({ status: 503, headers: {} }, clock)).toBe(0)
    expect(askedPauseMs({ status: 503, headers: { 'retry-after': ['1', '2'] } }, clock)).toBe(0)
  })

  it('is asked by our mark with any status, and not by a quota that every instance shares', () => {
    expect(askedPauseMs({ status: 429, headers: { 'retry-after': '2', [NOT_PROCESSED_HEADER]: '1' } }, clock)).toBe(2_000)
    expect(askedPauseMs({ status: 429, headers: { 'retry-after': '2' } }, clock)).toBe(0)
    expect(askedPauseMs({ status: 202, headers: { 'retry-after': '2' } }, clock)).toBe(0)
  })

  it('is not asked by one that sheds: it speaks of this request, and all of them may be at their limit', () => {
    expect(askedPauseMs({ status: 503, headers: { 'retry-after': '2', [NOT_PROCESSED_HEADER]: 'shed' } }, clock)).toBe(0)
  })
})
