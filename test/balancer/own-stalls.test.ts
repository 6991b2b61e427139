import { describe, expect, it } from 'vitest'
import { OwnStalls } from '../../src/balancer/own-stalls.js'
import { VirtualClock } from '../support/virtual-clock.js'

function watched(): { clock: VirtualClock; stalls: OwnStalls } {
  const clock = new VirtualClock()
  return { clock, stalls: new OwnStalls(clock) }
}

describe('own stalls', () => {
  it('L05 are noticed by the answer that is read before any timer can run', () => {
    const { clock, stalls } = watched()
    stalls.begin(0)
    clock.standStill(500)
    expect(stalls.end(0, 500)).toBe(true)
  })

  it('L05 are noticed by the late tick, for an answer that comes much later', () => {
    const { clock, stalls } = watched()
    stalls.begin(0)
    clock.runUntil(20)
    clock.standStill(500)
    clock.runUntil(2_000)
    expect(stalls.end(0, clock.now())).toBe(true)
    expect(stalls.endedAtMs).toBe(520)
  })

  it('are not held against what began after them', () => {
    const { clock, stalls } = watched()
    stalls.begin(0)
    clock.standStill(500)
    clock.runUntil(510)
    stalls.begin(510)
    clock.runUntil(3_000)
    expect(stalls.end(510, 3_000)).toBe(false)
  })

  it('L05 are not held against what began right after them, before the late tick has run', () => {
    const { clock, stalls } = watched()
    stalls.begin(0)
    clock.standStill(500)
    // A timer that came due meanwhile makes a call; the tick comes next, and then the refusal of the call.
    stalls.begin(500)
    clock.standStill(1)
    clock.runUntil(502)
    expect(stalls.end(500, 503)).toBe(false)
    expect(stalls.end(0, 503)).toBe(true)
  })

  it('are no slow answers: while time passes evenly there is none', () => {
    const { clock, stalls } = watched()
    stalls.begin(0)
    clock.runUntil(10_000)
    expect(stalls.end(0, 10_000)).toBe(false)
  })

  it('are not looked for while nothing is under way', () => {
    const { clock, stalls } = watched()
    stalls.begin(0)
    stalls.end(0, 0)
    clock.runUntil(1_000)
    clock.standStill(60_000)
    stalls.begin(61_000)
    expect(stalls.end(61_000, 61_000)).toBe(false)
    expect(stalls.endedAtMs).toBe(-Infinity)
  })
})
