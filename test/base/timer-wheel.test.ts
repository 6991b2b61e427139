import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import { FakeClock } from '../support/fake-clock.js'

const TICK_MS = 10

describe('timer wheel', () => {
  it('fires every entry once, never early, and at most a tick late, whatever else is set and stopped meanwhile', async () => {
    const msUpTo = (max: number): fc.Arbitrary<number> => fc.double({ min: 0, max, noNaN: true })
    const set = fc.record({ kind: fc.constant('set' as const), delayMs: msUpTo(12_000) })
    const stop = fc.record({ kind: fc.constant('stop' as const), which: fc.nat(50) })
    const pass = fc.record({ kind: fc.constant('pass' as const), ms: msUpTo(700) })
    const step = fc.oneof({ weight: 3, arbitrary: set }, { weight: 1, arbitrary: stop }, { weight: 2, arbitrary: pass })
    await fc.assert(
      fc.asyncProperty(msUpTo(100), fc.array(step, { maxLength: 30 }), async (startMs, steps) => {
        const clock = new FakeClock()
        await clock.advance(startMs)
        const wheel = new TimerWheel(clock)
        const entries: { dueAt: number; firedAt: number[]; stopped: boolean; cancel(): void }[] = []
        for (const action of steps) {
          if (action.kind === 'pass') await clock.advance(action.ms)
          if (action.kind === 'set') {
            const entry = { dueAt: clock.now() + action.delayMs, firedAt: [] as number[], stopped: false, cancel: () => {} }
            const timer = wheel.after(action.delayMs, () => entry.firedAt.push(clock.now()))
            entry.cancel = () => timer.cancel()
            entries.push(entry)
          }
          if (action.kind === 'stop') {
            const entry = entries[action.which]
            if (entry === undefined || entry.firedAt.length > 0) continue
            entry.cancel()
            entry.stopped = true
          }
        }
        await clock.advance(13_000)
        for (const { dueAt, firedAt, stopped } of entries) {
          expect(firedAt).toHaveLength(stopped ? 0 : 1)
          // Not exact, since times are added in floating point, and no timer is shorter than 1 ms.
          for (const at of firedAt) {
            expect(at).toBeGreaterThanOrEqual(dueAt - 1e-6)
            expect(at).toBeLessThanOrEqual(dueAt + TICK_MS + 1 + 1e-6)
          }
        }
        expect(wheel.size).toBe(0)
        expect(clock.pending).toBe(0)
      }),
      { numRuns: 60 },
    )
  })

  it('fires what came due while the event loop stood still, and nothing else', () => {
    const clock = { ...systemClock, nowMs: 0, now: () => clock.nowMs, pulse: () => {} }
    clock.afterHolding = (_, task) => ((clock.pulse = task), { cancel: () => {} })
    const wheel = new TimerWheel(clock)
    const fired: number[] = []
    for (const delayMs of [5, 5_119, 5_121, 7_000, 30_000]) wheel.after(delayMs, () => fired.push(delayMs))
    clock.nowMs = 20_000
    clock.pulse()
    expect(fired.sort((a, b) => a - b)).toEqual([5, 5_119, 5_121, 7_000])
    expect(wheel.size).toBe(1)
  })

  it('lets one task stop another that is due at the same moment', async () => {
    const clock = new FakeClock()
    const wheel = new TimerWheel(clock)
    const fired: string[] = []
    wheel.after(5, () => {
      fired.push('first')
      second.cancel()
    })
    const second = wheel.after(5, () => fired.push('second'))
    await clock.advance(100)
    expect(fired).toEqual(['first'])
  })

  it.each([0, 1, 4.5, 9, 9.9])('is no later for an entry that is set %d ms into a tick', async (intoTickMs) => {
    const clock = new FakeClock()
    const wheel = new TimerWheel(clock)
    await clock.advance(intoTickMs)
    const dueAt = clock.now() + 12
    let firedAt = 0
    wheel.after(12, () => (firedAt = clock.now()))
    await clock.advance(100)
    expect(firedAt).toBe(Math.ceil(dueAt / TICK_MS) * TICK_MS)
  })

  it('gives an entry that a task adds with no delay its turn one tick later', async () => {
    const clock = new FakeClock()
    const wheel = new TimerWheel(clock)
    let firedAt: number | undefined
    wheel.after(20, () => wheel.after(0, () => (firedAt = clock.now())))
    await clock.advance(100)
    expect(firedAt).toBe(30)
  })

  it('goes on when a task throws, and lets the error out as a timer would', async () => {
    const clock = new FakeClock()
    const wheel = new TimerWheel(clock)
    const uncaught: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => uncaught.push(error))
    try {
      const fired: string[] = []
      const broken = new Error('broken task')
      wheel.after(10, () => {
        throw broken
      })
      wheel.after(10, () => fired.push('beside'))
      wheel.after(50, () => fired.push('later'))
      await clock.advance(100)
      expect(fired).toEqual(['beside', 'later'])
      expect(uncaught).toEqual([broken])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    }
  })

  it('sets no timer of the clock for an infinite delay', () => {
    const clock = new FakeClock()
    const wheel = new TimerWheel(clock)
    const timer = wheel.after(Infinity, () => expect.unreachable())
    expect(clock.pending).toBe(0)
    expect(wheel.size).toBe(0)
    timer.cancel()
    expect(wheel.size).toBe(0)
  })

  it('keeps one timer of the clock for any number of entries, and none when there are no entries', async () => {
    const clock = new FakeClock()
    const wheel = new TimerWheel(clock)
    const timers = Array.from({ length: 1_000 }, (_, i) => wheel.after(i * 7, () => {}))
    expect(clock.pending).toBe(1)
    for (const timer of timers) {
      timer.cancel()
      timer.cancel()
    }
    expect(wheel.size).toBe(0)
    await clock.advance(TICK_MS)
    expect(clock.pending).toBe(0)
  })
})
