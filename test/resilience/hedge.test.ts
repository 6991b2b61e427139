import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import type { Call } from '../../src/call/call.js'
import { Chain, RESEND_HEADER } from '../../src/call/chain.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { headerValue } from '../../src/call/headers.js'
import { NOT_PROCESSED_HEADER } from '../../src/call/outcome.js'
import type { HedgePolicy } from '../../src/call/policy.js'
import type { Reply } from '../../src/call/reply.js'
import { hedge } from '../../src/resilience/hedge.js'
import { RetryBudget } from '../../src/resilience/retry-budget.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { callOf, openReply, replyOf } from '../support/scripted.js'

/** An attempt that waits for its answer. */
interface Waiting {
  readonly call: Call
  answer(reply: Reply): void
  fail(error: Error): void
  /** Why it was given up. */
  readonly givenUp: Error | undefined
}

interface Scene {
  readonly policy?: Partial<HedgePolicy>
  readonly idempotent?: boolean
  readonly endpoints?: number
  readonly budget?: RetryBudget
}

const PLENTY = { budgetRatio: 1, minPerSec: 100 }

/** A hedging stage that has learnt that answers take 20 ms. */
async function hedging({ policy = {}, idempotent = false, endpoints = 3, budget = new RetryBudget(PLENTY) }: Scene = {}) {
  const clock = new FakeClock()
  const events = new Events()
  const told: MeshEvents['hedged'][] = []
  events.on('hedged', (event) => told.push(event))
  const attempts: Waiting[] = []
  const next = (call: Call): Promise<Reply> => {
    call.tried.push(`users-${call.tried.length + 1}`)
    return new Promise((resolve, reject) => {
      const waiting = { call, answer: resolve, fail: reject, givenUp: undefined as Error | undefined }
      call.cancellation.subscribe((reason) => reject((waiting.givenUp = reason)))
      attempts.push(waiting)
    })
  }
  const layer = hedge({
    policy: { percentile: 0.95, maxExtraRatio: 0.05, ...policy },
    idempotent,
    budget,
    othersThan: (tried) => tried.length < endpoints,
    clock,
    wheel: new TimerWheel(clock),
    events,
  })
  const handle = layer(next)
  for (let i = 0; i < 200; i++) {
    const call = handle(callOf())
    // Many at a time, and all take 20 ms.
    if (i % 10 === 9) {
      await clock.advance(20)
      for (const { answer } of attempts.splice(0)) answer(replyOf())
    }
    call.catch(() => {})
  }
  await clock.advance(200)
  return { handle, clock, attempts, told, budget }
}

const failed = new MeshError('MESH_ERR_CONNECTION', 'broken', { attempts: 1, processed: 'maybe' })

describe('hedging', () => {
  it('asks a second endpoint when an answer takes longer than most, and takes the answer that comes first', async () => {
    const { handle, clock, attempts, told } = await hedging()
    const call = callOf({ method: 'GET' })
    const answering = handle(call)
    await clock.advance(15)
    expect(attempts).toHaveLength(1)
    await clock.advance(25)
    expect(attempts).toHaveLength(2)
    const reply = replyOf({ body: 'second' })
    attempts[1]!.answer(reply)
    const given = await answering
    expect(given).toMatchObject({ status: 200, attempts: 2 })
    expect(await given.text()).toBe('second')
    expect(attempts[0]!.givenUp).toMatchObject({ code: 'MESH_ERR_ABORTED' })
    expect(told).toMatchObject([{ service: 'users', won: true }])
    expect(told[0]!.afterMs).toBeGreaterThanOrEqual(20)
    expect(call.cancellation.reason).toBeUndefined()
  })

  it('gives the second one up when the first is answered after all', async () => {
    const { handle, clock, attempts, told } = await hedging()
    const answering = handle(callOf())
    await clock.advance(40)
    attempts[0]!.answer(replyOf())
    expect((await answering).attempts).toBe(2)
    expect(attempts[1]!.givenUp).toMatchObject({ code: 'MESH_ERR_ABORTED' })
    expect(told).toMatchObject([{ won: false }])
  })

  it('marks the second one as one more try, and gives both one list of where they went', async () => {
    const { handle, clock, attempts } = await hedging()
    const call = callOf()
    void handle(call)
    await clock.advance(40)
    const [first, second] = attempts as [Waiting, Waiting]
    expect(headerValue(first.call.headers, RESEND_HEADER)).toBeUndefined()
    expect(headerValue(second.call.headers, RESEND_HEADER)).toBe('1')
    expect(second.call).toMatchObject({ resends: 1 })
    expect(second.call.tried).toBe(first.call.tried)
    expect(second.call.tried).toEqual(['users-1', 'users-2'])
  })

  it('counts both when the call is cut short', async () => {
    const { handle, clock } = await hedging()
    const call = callOf()
    const answering = handle(call)
    await clock.advance(40)
    call.cancellation.cancel(new MeshError('MESH_ERR_DEADLINE', 'too late', { service: 'users', processed: 'maybe' }))
    await expect(answering).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', message: 'too late', attempts: 2, processed: 'maybe' })
  })

  it('makes no second one after an answer in time', async () => {
    const { handle, clock, attempts } = await hedging()
    void handle(callOf())
    await settled()
    attempts[0]!.answer(replyOf())
    await clock.advance(100)
    expect(attempts).toHaveLength(1)
  })

  it.each<[string, Partial<Call>, Scene]>([
    ['is a POST', { method: 'POST' }, {}],
    ['has a stream for a body', { method: 'PUT', body: Readable.from(['x']) }, {}],
    ['is to be sent once', { once: true }, {}],
    ['is one more try already', { resends: 1 }, {}],
    ['is caused by a request that is one', { chain: new Chain(true) }, {}],
    ['has nowhere else to go', {}, { endpoints: 1 }],
    ['goes to a service whose retry budget is empty', {}, { budget: new RetryBudget({ budgetRatio: 0, minPerSec: 0 }) }],
    ['would be more than hedges may add', {}, { policy: { maxExtraRatio: 0 } }],
  ])('makes no second one of a call that %s', async (_, changes, scene) => {
    const { handle, clock, attempts } = await hedging(scene)
    void handle(callOf(changes))
    await clock.advance(100)
    expect(attempts).toHaveLength(1)
  })

  it.each<[string, Partial<Call>, Scene]>([
    ['bears an Idempotency-Key', { method: 'POST', headers: ['idempotency-key', 'k'], body: 'x' }, {}],
    ['has a body that is made anew', { method: 'PUT', body: () => Readable.from(['x']) }, {}],
    ['goes to a service where everything can be done twice', { method: 'POST' }, { idempotent: true }],
  ])('makes one of a call that %s', async (_, changes, scene) => {
    const { handle, clock, attempts } = await hedging(scene)
    void handle(callOf(changes))
    await clock.advance(100)
    expect(attempts).toHaveLength(2)
  })

  it('does not wait for a second one that fails, nor take a failure for the answer while the other may do better', async () => {
    const { handle, clock, attempts } = await hedging()
    const answering = handle(callOf())
    await clock.advance(40)
    const refusal = openReply({ status: 503, headers: { [NOT_PROCESSED_HEADER]: '1' } })
    attempts[1]!.answer(refusal.reply)
    await settled()
    attempts[0]!.answer(replyOf())
    expect((await answering).status).toBe(200)
    refusal.push('x'.repeat(100_000))
    expect(refusal.abortedWith).toBeDefined()
  })

  it('gives the graver of two failures, with both attempts', async () => {
    const { handle, clock, attempts } = await hedging()
    const answering = handle(callOf())
    await clock.advance(40)
    attempts[0]!.fail(failed)
    attempts[1]!.fail(new MeshError('MESH_ERR_CONNECT', 'refused', { attempts: 2 }))
    await expect(answering).rejects.toMatchObject({ code: 'MESH_ERR_CONNECTION', attempts: 2, processed: 'maybe' })
  })

  it('passes a failure on at once when there is no second one yet', async () => {
    const { handle, clock, attempts, told } = await hedging()
    const answering = handle(callOf())
    await settled()
    attempts[0]!.fail(failed)
    await expect(answering).rejects.toBe(failed)
    await clock.advance(100)
    expect(attempts).toHaveLength(1)
    expect(told).toEqual([])
  })

  it('gives both up with the call, and for its reason', async () => {
    const { handle, clock, attempts } = await hedging()
    const call = callOf()
    const answering = handle(call)
    await clock.advance(40)
    const hungUp = new MeshError('MESH_ERR_ABORTED', 'hung up')
    call.cancellation.cancel(hungUp)
    await expect(answering).rejects.toMatchObject({ code: 'MESH_ERR_ABORTED', message: 'hung up', attempts: 2 })
    expect(attempts.map(({ givenUp }) => givenUp)).toEqual([hungUp, hungUp])
    expect(clock.pending).toBeLessThanOrEqual(1)
  })

  it('draws on the budget that it shares with the retries, and stays within its own share of the calls', async () => {
    const { handle, clock, attempts, budget } = await hedging({ budget: new RetryBudget({ budgetRatio: 0, minPerSec: 100 }) })
    for (let i = 0; i < 200; i++) void handle(callOf()).catch(() => {})
    await clock.advance(60)
    // All at once: only what may be saved up.
    expect(attempts.length - 200).toBe(5)
    let left = 0
    while (budget.withdraw(clock.now())) left++
    expect(left).toBe(1_000 - 5)
  })
})
