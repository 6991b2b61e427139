import { describe, expect, it } from 'vitest'
import { startFleet, startLoad, stopWithGrace, type InstanceOptions } from '../support/fleet.js'
import type { Ended, Program } from '../support/processes.js'

/** Long enough for two noisy cores; what an instance would wait for is longer still. */
const GRACE_MS = 30_000

/** An instance with a request under way that takes longer than any of the tests. */
async function busy(options: InstanceOptions): Promise<Program> {
  const fleet = await startFleet(options)
  const instance = await fleet.startOne()
  const orders = await fleet.caller({ timeoutMs: 60_000, attemptTimeoutMs: 60_000 })
  orders.service('users').get('/busy/60000', { headers: { 'x-request-id': 'GET-1' } }).catch(() => {})
  await expect.poll(() => fleet.processed().size, { timeout: 5_000 }).toBe(1)
  return instance
}

describe('draining', { timeout: 120_000 }, () => {
  it('D02 a rolling restart of three under load loses nothing and does nothing twice', async () => {
    const fleet = await startFleet({ drain: { drainDelayMs: 400 } })
    const instances = await Promise.all(Array.from({ length: 3 }, () => fleet.startOne()))
    const orders = await fleet.caller()
    const load = startLoad(orders, { perSec: 50, workMs: 10 })
    for (const old of instances) {
      const [ended] = await Promise.all([stopWithGrace(old, GRACE_MS), fleet.startOne()])
      expect(ended).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
      expect(ended.stdout).toMatch(/drained\n$/)
    }
    const { lost, calls } = await load.stop()
    expect(lost).toEqual([])
    const processed = fleet.processed()
    expect(processed.size).toBe(calls.GET + calls.POST)
    expect([...processed].filter(([id, times]) => id.startsWith('POST') && times > 1)).toEqual([])
  })

  it('D04 a request that is under way when SIGTERM comes is completed', async () => {
    const fleet = await startFleet({ drain: { drainDelayMs: 100 } })
    const instance = await fleet.startOne()
    const orders = await fleet.caller()
    const answered = orders.service('users').post('/busy/1500', { headers: { 'x-request-id': 'POST-1' } })
    await expect.poll(() => fleet.processed().size, { timeout: 5_000 }).toBe(1)
    const { signal } = await stopWithGrace(instance, GRACE_MS)
    expect(await answered).toMatchObject({ status: 200, attempts: 1 })
    expect(signal).toBe('SIGTERM')
  })

  it('D06 a second SIGTERM ends a process that drains', async () => {
    const instance = await busy({})
    instance.kill('SIGTERM')
    await instance.says(/draining/)
    const ended = await stopWithGrace(instance, GRACE_MS)
    expect(ended).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
    expect(ended.stdout).not.toContain('drained')
  })

  it('D06 an uncaught error ends a process that drains, as it does any other', async () => {
    const { code, stderr } = await stopWithGrace(await busy({ onSigterm: 'fail' }), GRACE_MS)
    expect(code).toBe(1)
    expect(stderr).toContain('while draining')
  })

  it('D06 drains to its end when the application keeps an uncaught error to itself, and ends although somebody else listens', async () => {
    const instance = await busy({ onSigterm: 'fail unnoticed', drain: { drainTimeoutMs: 1_000 } })
    const ended: Ended = await stopWithGrace(instance, GRACE_MS)
    expect(ended).toMatchObject({ code: 128 + 15, signal: null, stderr: '' })
    expect(ended.stdout).toContain('drained')
  })
})
