import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatencyEwma, SuccessEwma } from '../../src/balancer/ewma.js'

const upToAMinute = fc.integer({ min: 0, max: 60_000_000 }).map((us) => us / 1_000)
const samples = fc.array(fc.record({ latencyMs: upToAMinute, dtMs: upToAMinute }), { minLength: 1, maxLength: 60 })

describe('latency EWMA', () => {
  it('stays between the least and the greatest sample', () => {
    fc.assert(
      fc.property(samples, (taken) => {
        const ewma = new LatencyEwma()
        let nowMs = 0
        for (const { latencyMs, dtMs } of taken) ewma.observe(latencyMs, (nowMs += dtMs), 0)
        const latencies = taken.map(({ latencyMs }) => latencyMs)
        expect(ewma.meanMs).toBeGreaterThanOrEqual(Math.min(...latencies) - 1e-6)
        expect(ewma.meanMs).toBeLessThanOrEqual(Math.max(...latencies) + 1e-6)
        expect(ewma.samples).toBe(taken.length)
      }),
    )
  })

  it('is the first sample, then the plain mean of the first few that come together', () => {
    const ewma = new LatencyEwma()
    expect(ewma.samples).toBe(0)
    ewma.observe(10, 1_000, 0)
    expect(ewma.meanMs).toBe(10)
    for (const latencyMs of [20, 30, 40]) ewma.observe(latencyMs, 1_000, 0)
    expect(ewma.meanMs).toBeCloseTo(25)
  })

  it('has forgotten an old mean after a long pause', () => {
    const ewma = new LatencyEwma()
    for (let i = 0; i < 100; i++) ewma.observe(1_000, i, 0)
    ewma.observe(10, 120_000, 0)
    expect(ewma.meanMs).toBeLessThan(11)
  })

  it('follows a busy endpoint that has become slow within some dozens of samples', () => {
    const ewma = new LatencyEwma()
    for (let i = 0; i < 100; i++) ewma.observe(10, i, 0)
    for (let i = 0; i < 72; i++) ewma.observe(100, 100 + i, 0)
    expect(ewma.meanMs).toBeGreaterThan(90)
  })

  it('never falls by a failure, and rises by a slow one', () => {
    fc.assert(
      fc.property(samples, upToAMinute, upToAMinute, (taken, failureMs, fleetMs) => {
        const ewma = new LatencyEwma()
        let nowMs = 0
        for (const { latencyMs, dtMs } of taken) ewma.observe(latencyMs, (nowMs += dtMs), 0)
        const beforeMs = ewma.meanMs
        ewma.observeFailure(failureMs, nowMs + 100, fleetMs)
        if (Math.max(failureMs, fleetMs) <= beforeMs) expect(ewma.meanMs).toBe(beforeMs)
        else expect(ewma.meanMs).toBeGreaterThan(beforeMs)
      }),
    )
  })

  it('takes a failure for no faster than the fleet, also as its very first sample', () => {
    const ewma = new LatencyEwma()
    ewma.observeFailure(1, 0, 50)
    expect(ewma.meanMs).toBe(50)
  })

  it('weighs the first sample against two of the fleet', () => {
    const ewma = new LatencyEwma()
    ewma.observe(10, 0, 100)
    expect(ewma.meanMs).toBe(70)
  })

  it('takes an attempt that was given up for at least as slow, and never for faster', () => {
    const ewma = new LatencyEwma()
    ewma.observe(50, 0, 0)
    ewma.observeAtLeast(10, 1, 0)
    expect(ewma.meanMs).toBe(50)
    ewma.observeAtLeast(1_000, 2, 0)
    expect(ewma.meanMs).toBeGreaterThan(100)
  })

  it('fades into the fleet mean, from above and from below, and never past it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 1e4, noNaN: true }), fc.double({ min: 0.1, max: 1e4, noNaN: true }), (ownMs, fleetMs) => {
        const ewma = new LatencyEwma()
        ewma.observe(ownMs, 0, 0)
        expect(ewma.expectedAt(0, fleetMs)).toBeCloseTo(ownMs)
        let distance = Infinity
        for (const nowMs of [0, 5_000, 20_000, 100_000]) {
          const expected = ewma.expectedAt(nowMs, fleetMs)
          expect(Math.sign(Math.log(expected / fleetMs)) * Math.sign(Math.log(ownMs / fleetMs))).toBeGreaterThanOrEqual(0)
          expect(Math.abs(Math.log(expected / fleetMs))).toBeLessThanOrEqual(distance + 1e-9)
          distance = Math.abs(Math.log(expected / fleetMs))
        }
        expect(distance).toBeLessThanOrEqual(Math.abs(Math.log(ownMs / fleetMs)) * 0.01 + 1e-9)
      }),
    )
  })

  it('expects what the fleet takes of one that was never tried', () => {
    expect(new LatencyEwma().expectedAt(0, 30)).toBe(30)
  })
})

describe('success EWMA', () => {
  it('stays a ratio, and rises with time while nothing comes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), upToAMinute)), (results) => {
        const ewma = new SuccessEwma()
        let nowMs = 0
        for (const [succeeded, dtMs] of results) {
          ewma.observe(succeeded, (nowMs += dtMs))
          const ratio = ewma.ratioAt(nowMs)
          expect(ratio).toBeGreaterThanOrEqual(0)
          expect(ratio).toBeLessThanOrEqual(1)
          expect(ewma.ratioAt(nowMs + 1_000)).toBeGreaterThanOrEqual(ratio)
        }
      }),
    )
  })

  it('is not changed by being read', () => {
    const read = new SuccessEwma()
    const unread = new SuccessEwma()
    for (const ewma of [read, unread]) ewma.observe(false, 0)
    for (let nowMs = 0; nowMs < 10_000; nowMs += 100) read.ratioAt(nowMs)
    expect(read.ratioAt(10_000)).toBe(unread.ratioAt(10_000))
  })

  it('falls to a fraction after a run of failures, and has all but recovered a minute later', () => {
    const ewma = new SuccessEwma()
    for (let i = 0; i < 30; i++) ewma.observe(false, i)
    expect(ewma.ratioAt(30)).toBeLessThan(0.06)
    expect(ewma.ratioAt(60_000)).toBeGreaterThan(0.99)
  })
})
