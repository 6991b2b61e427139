import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { createLoopDelay } from '../../src/base/event-loop.js'
import { VirtualClock } from '../support/virtual-clock.js'

function asked() {
  const clock = new VirtualClock()
  const loop = createLoopDelay(clock)
  const pass = (ms: number): void => clock.runUntil(clock.now() + ms)
  /** One turn of the loop that works for so long; the delay at its end. */
  const turn = (ms: number): number => {
    clock.standStill(ms)
    const delayMs = loop.standingMs()
    pass(0)
    return delayMs
  }
  return { clock, loop, pass, turn }
}

describe('loop delay', () => {
  it('is none while the loop keeps up', () => {
    const { loop, pass } = asked()
    for (let i = 0; i < 50; i++) {
      pass(15)
      expect(loop.standingMs()).toBe(0)
    }
  })

  it('is none in a single long turn, nor after it: what arrived meanwhile can be served at once', () => {
    const { loop, pass, turn } = asked()
    loop.standingMs()
    pass(100)
    expect(turn(600)).toBe(0)
    expect(loop.standingMs()).toBe(0)
    pass(20)
    expect(loop.standingMs()).toBe(0)
  })

  it('is how late the second long turn in a row is, as soon as it is late, and no later than the one before', () => {
    const { clock, loop, turn } = asked()
    loop.standingMs()
    turn(600)
    clock.standStill(320)
    expect(loop.standingMs()).toBe(300)
    clock.standStill(1_000)
    expect(loop.standingMs()).toBe(580)
  })

  it('is gone with the first turn that is short again', () => {
    const { loop, pass, turn } = asked()
    loop.standingMs()
    for (let i = 0; i < 3; i++) turn(600)
    pass(25)
    expect(turn(600)).toBe(0)
    expect(loop.standingMs()).toBe(0)
  })

  it('leaves the loop alone when nobody asks', () => {
    const { clock, loop, pass } = asked()
    let timers = 0
    const after = clock.after.bind(clock)
    clock.after = (...start) => (timers++, after(...start))
    loop.standingMs()
    pass(60_000)
    expect(timers).toBeLessThanOrEqual(51)
    clock.standStill(5_000)
    expect(loop.standingMs()).toBe(0)
  })

  it('sees a loop that is really blocked', async () => {
    const loop = createLoopDelay(systemClock)
    const block = (ms: number): void => {
      const untilMs = performance.now() + ms
      while (performance.now() < untilMs);
    }
    loop.standingMs()
    await pause(30)
    block(150)
    // The timers of the loop's next turn, and the turn itself.
    await pause(0)
    block(150)
    expect(loop.standingMs()).toBeGreaterThan(80)
  })
})
