import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'

describe('system clock', () => {
  it('counts monotonic milliseconds beside those of the epoch', async () => {
    const startMs = systemClock.now()
    const epochMs = systemClock.epochMs()
    await new Promise<void>((resolve) => systemClock.after(20, resolve))
    expect(systemClock.now()).toBeGreaterThan(startMs)
    expect(systemClock.epochMs()).toBeGreaterThan(epochMs)
    expect(Math.abs(epochMs - Date.now())).toBeLessThan(60_000)
  })

  it('does not run a task that was stopped, and may be told so twice', async () => {
    let ran = false
    const timer = systemClock.afterHolding(0, () => (ran = true))
    timer.cancel()
    timer.cancel()
    await new Promise<void>((resolve) => systemClock.afterHolding(5, resolve))
    expect(ran).toBe(false)
  })

  it('waits for a time that is longer than a timer can be', async () => {
    let ran = false
    const timers = [2 ** 31, Infinity].map((delayMs) => systemClock.after(delayMs, () => (ran = true)))
    await new Promise<void>((resolve) => systemClock.afterHolding(5, resolve))
    for (const timer of timers) timer.cancel()
    expect(ran).toBe(false)
  })

  it('holds the process for somebody who waits, and for nobody else', () => {
    const clock = JSON.stringify(new URL('../../src/base/clock.ts', import.meta.url).href)
    const script = `
      import { systemClock } from ${clock}
      systemClock.after(60_000, () => console.log('background'))
      systemClock.afterHolding(20, () => console.log('waited for'))
    `
    const node = ['--import', 'tsx', '--input-type=module', '--eval', script]
    expect(execFileSync(process.execPath, node, { encoding: 'utf8', timeout: 30_000 }).trim()).toBe('waited for')
  })
})
