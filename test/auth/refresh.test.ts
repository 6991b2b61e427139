import { describe, expect, it } from 'vitest'
import { Refresh } from '../../src/auth/refresh.js'
import { FakeClock } from '../support/fake-clock.js'

describe('refresh', () => {
  it('runs one errand for everybody who waits', async () => {
    let runs = 0
    const refresh = new Refresh(async () => ++runs, { clock: new FakeClock(), random: () => 1 })
    expect(await Promise.all([refresh.run(), refresh.run(), refresh.run()])).toEqual([1, 1, 1])
    expect(await refresh.run()).toBe(2)
  })

  it('after each failure waits longer, and answers with the last error meanwhile', async () => {
    const clock = new FakeClock()
    let runs = 0
    const refresh = new Refresh(() => Promise.reject(new Error(`failure ${++runs}`)), { clock, random: () => 1 })
    await expect(refresh.run()).rejects.toThrow('failure 1')
    await expect(refresh.run()).rejects.toThrow('failure 1')
    await clock.advance(1_000)
    await expect(refresh.run()).rejects.toThrow('failure 2')
    await clock.advance(1_999)
    await expect(refresh.run()).rejects.toThrow('failure 2')
    await clock.advance(1)
    await expect(refresh.run()).rejects.toThrow('failure 3')
  })

  it('a success ends the backoff', async () => {
    const clock = new FakeClock()
    let broken = true
    const refresh = new Refresh(async () => (broken ? Promise.reject(new Error('down')) : 'up'), { clock, random: () => 1 })
    await expect(refresh.run()).rejects.toThrow('down')
    await clock.advance(1_000)
    broken = false
    await expect(refresh.run()).resolves.toBe('up')
    broken = true
    await expect(refresh.run()).rejects.toThrow('down')
    await clock.advance(1_000)
    broken = false
    await expect(refresh.run()).resolves.toBe('up')
  })

  it('in the background harms nobody', async () => {
    const clock = new FakeClock()
    const refresh = new Refresh(() => Promise.reject(new Error('down')), { clock, random: () => 1 })
    refresh.runInBackground()
    await clock.advance(0)
    expect(clock.pending).toBe(0)
  })
})
