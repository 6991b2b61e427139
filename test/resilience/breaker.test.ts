import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Events } from '../../src/call/events.js'
import type { BreakerPolicy } from '../../src/call/policy.js'
import type { Reply } from '../../src/call/reply.js'
import { breakerDefaults, createBreaker, type Breaker } from '../../src/resilience/breaker.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { callOf, replyOf } from '../support/scripted.js'

const failed = (): Promise<Reply> => Promise.resolve(replyOf({ status: 500 }))
const succeeded = (): Promise<Reply> => Promise.resolve(replyOf())
const broken = (): Promise<Reply> => Promise.reject(new MeshError('MESH_ERR_CONNECTION', 'broken', { processed: 'maybe' }))
const hungUp = (): Promise<Reply> => Promise.reject(new MeshError('MESH_ERR_ABORTED', 'hung up'))
const outOfTime = (): Promise<Reply> => Promise.reject(new MeshError('MESH_ERR_DEADLINE', 'not sent', { processed: 'no' }))
const unsigned = (): Promise<Reply> => Promise.reject(new MeshError('MESH_ERR_IDENTITY', 'not signed'))
const notReady = (): Promise<Reply> => Promise.reject(new MeshError('MESH_ERR_NOT_READY', 'not ready'))

const breakers: Breaker[] = []
// The timer that ends the open state is opossum's own.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.close()
  vi.useRealTimers()
})

function guarded(policy: Partial<BreakerPolicy> = {}) {
  const clock = new FakeClock()
  const events = new Events()
  const states: string[] = []
  events.on('breaker', ({ state }) => states.push(state))
  const breaker = createBreaker({ service: 'users', policy: { ...breakerDefaults, ...policy }, events, clock })
  breakers.push(breaker)
  const below: { step: () => Promise<Reply>; calls: number } = { step: succeeded, calls: 0 }
  const handle = breaker.layer(() => (below.calls++, below.step()))
  const run = async (step: () => Promise<Reply>, times = 1): Promise<void> => {
    for (let i = 0; i < times; i++) {
      below.step = step
      await handle(callOf()).catch(() => {})
      await settled()
    }
  }
  const pass = async (ms: number): Promise<void> => {
    await clock.advance(ms)
    vi.advanceTimersByTime(ms)
    await settled()
  }
  return { breaker, clock, states, below, handle: () => handle(callOf()), run, pass }
}

describe('breaker', () => {
  it.each([
    ['answers of 500', failed],
    ['broken connections', broken],
  ])('opens when enough calls have failed: %s', async (_, failure) => {
    const { breaker, states, run } = guarded({ failureRatio: 0.5, minCalls: 20 })
    await run(succeeded, 10)
    await run(failure, 9)
    expect(breaker.state).toBe('closed')
    await run(failure)
    expect(breaker.state).toBe('open')
    expect(states).toEqual(['open'])
  })

  it('opens at a ratio of 1 when every call fails, and not before', async () => {
    const { breaker, run } = guarded({ failureRatio: 1, minCalls: 5 })
    await run(failed, 4)
    expect(breaker.state).toBe('closed')
    await run(failed)
    expect(breaker.state).toBe('open')

    const other = guarded({ failureRatio: 1, minCalls: 5 })
    await other.run(succeeded)
    await other.run(failed, 50)
    expect(other.breaker.state).toBe('closed')
  })

  it('does not open for what the service sheds, and does not close on it', async () => {
    const { breaker, run, pass } = guarded({ minCalls: 2 })
    const shed = (): Promise<Reply> => Promise.resolve(replyOf({ status: 503, headers: { 'mesh-not-processed': 'shed' } }))
    await run(shed, 50)
    expect(breaker.state).toBe('closed')
    await run(failed, 2)
    await pass(5_000)
    await run(shed)
    expect(breaker.state).toBe('half-open')
    await run(succeeded)
    expect(breaker.state).toBe('closed')
  })

  it('gives the caller a failed answer as the answer that it is, and the very error', async () => {
    const { handle, below } = guarded()
    const reply = replyOf({ status: 503 })
    below.step = () => Promise.resolve(reply)
    expect(await handle()).toBe(reply)
    const error = new MeshError('MESH_ERR_CONNECT', 'refused')
    below.step = () => Promise.reject(error)
    await expect(handle()).rejects.toBe(error)
  })

  it('refuses at once while it is open, sends nothing, and says when it will try again', async () => {
    const { handle, below, run, pass } = guarded({ minCalls: 2, openMs: 5_000 })
    await run(failed, 2)
    await pass(1_500)
    const { calls } = below
    await expect(handle()).rejects.toMatchObject({
      code: 'MESH_ERR_BREAKER_OPEN', service: 'users', processed: 'no', attempts: 0,
      message: 'users has been failing: the breaker is open, and lets one call through in 3500 ms',
    })
    expect(below.calls).toBe(calls)
  })

  it('closes when its probe succeeds', async () => {
    const { breaker, states, run, pass } = guarded({ minCalls: 2, openMs: 5_000 })
    await run(failed, 2)
    await pass(4_999)
    expect(breaker.state).toBe('open')
    await pass(1)
    expect(breaker.state).toBe('half-open')
    await run(succeeded)
    expect(states).toEqual(['open', 'half-open', 'closed'])
  })

  it('opens again when its probe fails, for as long as before', async () => {
    const { breaker, states, run, pass } = guarded({ minCalls: 2, openMs: 5_000 })
    await run(failed, 2)
    await pass(5_000)
    await run(failed)
    expect(breaker.state).toBe('open')
    await pass(5_000)
    await run(succeeded)
    expect(states).toEqual(['open', 'half-open', 'open', 'half-open', 'closed'])
  })

  it('L10 lets exactly one probe through when a thousand calls wait for it', async () => {
    const { breaker, below, handle, run, pass } = guarded({ minCalls: 2 })
    await run(failed, 2)
    await pass(breakerDefaults.openMs)
    const { calls } = below
    let answer!: (reply: Reply) => void
    below.step = () => new Promise((resolve) => (answer = resolve))
    const results = Promise.allSettled(Array.from({ length: 1_000 }, handle))
    await settled()
    expect(below.calls - calls).toBe(1)
    answer(replyOf())
    const refused = (await results).filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(999)
    expect((refused[0] as PromiseRejectedResult).reason.message).toMatch(/half-open, and one call is finding out/)
    await settled()
    expect(breaker.state).toBe('closed')
    below.step = succeeded
    const after = await Promise.all(Array.from({ length: 999 }, handle))
    expect(after.map(({ status }) => status)).toEqual(Array.from({ length: 999 }, () => 200))
    expect(below.calls - calls).toBe(1_000)
  })

  it.each([
    ['a caller who hung up', hungUp],
    ['a registry that is not ready', notReady],
  ])('takes no probe for a success or a failure that was ended by %s: the next call is the probe', async (_, ignored) => {
    const { breaker, below, run, pass } = guarded({ minCalls: 2 })
    await run(failed, 2)
    await pass(breakerDefaults.openMs)
    await run(ignored)
    expect(breaker.state).toBe('half-open')
    const { calls } = below
    await run(succeeded)
    expect(below.calls).toBe(calls + 1)
    expect(breaker.state).toBe('closed')
  })

  it('counts neither those who still wait, nor callers who hung up, nor what was refused on this side', async () => {
    const { breaker, below, handle, run } = guarded({ failureRatio: 0.5, minCalls: 4 })
    below.step = () => new Promise(() => {})
    for (let i = 0; i < 100; i++) void handle()
    for (const ignored of [hungUp, outOfTime, unsigned, notReady]) await run(ignored, 25)
    expect(breaker.circuit.stats.fires).toBe(0)
    await run(failed, 3)
    expect(breaker.state).toBe('closed')
    await run(failed)
    expect(breaker.state).toBe('open')
  })

  it('takes the late results of an earlier state for old news', async () => {
    const { breaker, below, handle, run, pass } = guarded({ minCalls: 2 })
    const answers: ((reply: Reply) => void)[] = []
    below.step = () => new Promise((resolve) => answers.push(resolve))
    void handle()
    void handle()
    await run(failed, 2)
    await pass(breakerDefaults.openMs)
    answers[0]!(replyOf())
    await settled()
    expect(breaker.state).toBe('half-open')
    answers[1]!(replyOf({ status: 500 }))
    await settled()
    expect(breaker.state).toBe('half-open')
  })

  it('begins with a clean slate when it has closed', async () => {
    const { breaker, run, pass } = guarded({ minCalls: 5, windowMs: 60_000 })
    await run(failed, 5)
    await pass(breakerDefaults.openMs)
    await run(succeeded)
    await run(failed, 4)
    expect(breaker.state).toBe('closed')
    await run(failed)
    expect(breaker.state).toBe('open')
  })

  it('forgets what is older than its window, and remembers what is not', async () => {
    const { breaker, run, pass } = guarded({ minCalls: 4, windowMs: 1_000 })
    await run(failed, 3)
    await pass(1_000)
    await run(failed, 3)
    expect(breaker.state).toBe('closed')
    await pass(700)
    await run(failed)
    expect(breaker.state).toBe('open')
  })

  it('goes on forgetting after it has closed', async () => {
    const { breaker, run, pass } = guarded({ minCalls: 4, windowMs: 1_000, openMs: 100 })
    await run(failed, 4)
    await pass(100)
    await run(succeeded)
    await run(failed, 2)
    await pass(1_100)
    await run(failed, 2)
    expect(breaker.state).toBe('closed')
  })

  it('goes by another policy when told so, and keeps what it has counted and who listens', async () => {
    const { breaker, run, pass } = guarded({ minCalls: 20, windowMs: 10_000 })
    const { circuit } = breaker
    let opened = 0
    circuit.on('open', () => opened++)
    await run(failed, 4)
    breaker.follow({ ...breakerDefaults, minCalls: 5, windowMs: 60_000, openMs: 100 })
    await run(failed)
    expect([breaker.state, opened]).toEqual(['open', 1])
    expect(breaker.circuit).toBe(circuit)
    await pass(100)
    expect(breaker.state).toBe('half-open')
  })

  it('says when an open breaker lets one through by the time that it was opened for', async () => {
    const { breaker, handle, run } = guarded({ minCalls: 2, openMs: 5_000 })
    await run(failed, 2)
    breaker.follow({ ...breakerDefaults, minCalls: 2, openMs: 60_000 })
    await expect(handle()).rejects.toThrow('lets one call through in 5000 ms')
  })

  it('leaves no timer when it is closed while open', async () => {
    const { breaker, run } = guarded({ minCalls: 2 })
    await run(failed, 2)
    expect(vi.getTimerCount()).toBe(1)
    breaker.close()
    breaker.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('has no timer while it is closed, and writes into no policy', async () => {
    const policy = Object.freeze({ ...breakerDefaults })
    const { run } = guarded(policy)
    await run(succeeded, 3)
    expect(vi.getTimerCount()).toBe(0)
    expect(policy).toEqual(breakerDefaults)
  })
})
