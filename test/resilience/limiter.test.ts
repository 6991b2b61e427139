import { AsyncLocalStorage } from 'node:async_hooks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Call } from '../../src/call/call.js'
import { outcomeOf } from '../../src/call/outcome.js'
import type { LimitsPolicy } from '../../src/call/policy.js'
import type { Reply } from '../../src/call/reply.js'
import { Limiter, limitsDefaults } from '../../src/resilience/limiter.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { callOf, openReply, replyOf, type ScriptedReply } from '../support/scripted.js'

interface UnderWay {
  readonly call: Call
  answer(reply?: ScriptedReply): ScriptedReply
  fail(error: Error): void
}

function limited(policy: Partial<LimitsPolicy> = {}, endpoints = 3) {
  const clock = new FakeClock()
  const limiter = new Limiter({ service: 'users', clock, endpoints: () => endpoints })
  limiter.policy = { ...limitsDefaults, ...policy }
  const underWay: UnderWay[] = []
  const handle = limiter.layer(
    (call) =>
      new Promise<Reply>((resolve, reject) => {
        const answer = (reply = openReply()): ScriptedReply => {
          resolve(reply.reply)
          return reply
        }
        underWay.push({ call, answer, fail: reject })
      }),
  )
  return { clock, limiter, underWay, handle }
}

/** How a call has ended so far: its code, its status, or nothing. */
function watched(calling: Promise<Reply>): { readonly result: string | number | undefined } {
  const seen: { result: string | number | undefined } = { result: undefined }
  calling.then(
    (reply) => (seen.result = reply.status),
    (error: MeshError) => (seen.result = error.code),
  )
  return seen
}

describe('limiter', () => {
  it('lets calls through at once, in the same turn, while there is room', () => {
    const { handle, underWay, limiter } = limited({ maxInFlight: 2 })
    void handle(callOf())
    void handle(callOf())
    expect([underWay.length, limiter.inFlight, limiter.waiting]).toEqual([2, 2, 0])
  })

  it('counts a call until its body has ended, or its failure', async () => {
    const { handle, underWay, limiter } = limited()
    void handle(callOf())
    handle(callOf()).catch(() => {})
    const reply = underWay[0]!.answer()
    await settled()
    expect(limiter.inFlight).toBe(2)
    reply.end()
    underWay[1]!.fail(new Error('broken'))
    await settled()
    expect(limiter.inFlight).toBe(0)
  })

  it('L09 refuses at once what finds the queue full, and lets the queue grow no further', async () => {
    const { handle, limiter, underWay } = limited({ maxInFlight: 2, maxWaiting: 3 })
    const calls = Array.from({ length: 10 }, () => watched(handle(callOf())))
    // No timer and no answer: nothing but promises has settled.
    await Promise.resolve().then(() => {}).then(() => {})
    expect(calls.map(({ result }) => result)).toEqual([...Array<undefined>(5).fill(undefined), ...Array<string>(5).fill('MESH_ERR_LIMIT')])
    expect([underWay.length, limiter.waiting]).toEqual([2, 3])
  })

  it('refuses with what is known, and as nothing that the service has done', async () => {
    const { handle } = limited({ maxInFlight: 1, maxWaiting: 0 })
    void handle(callOf())
    const error = await handle(callOf()).catch((reason: MeshError) => reason)
    expect(error).toMatchObject({
      code: 'MESH_ERR_LIMIT', service: 'users', attempts: 0,
      message: 'users: 1 calls are under way and 0 wait, as many as limits allows (maxInFlight, maxWaiting)',
    })
    expect(outcomeOf(error as MeshError)).toEqual({ kind: 'ignored', processed: 'no' })
  })

  it('lets the next one in when one has ended', async () => {
    const { handle, underWay, limiter } = limited({ maxInFlight: 1 })
    void handle(callOf())
    const second = callOf()
    const waiting = watched(handle(second))
    expect(underWay).toHaveLength(1)
    underWay[0]!.answer().end()
    await settled()
    expect(underWay[1]!.call).toBe(second)
    underWay[1]!.answer(openReply({ status: 204 })).end()
    await settled()
    expect([waiting.result, limiter.inFlight, limiter.waiting]).toEqual([204, 0, 0])
  })

  it('waits in the context of its own caller, not of the one whose end makes the room', async () => {
    const storage = new AsyncLocalStorage<string>()
    const limiter = new Limiter({ service: 'users', clock: new FakeClock(), endpoints: () => 1 })
    limiter.policy = { ...limitsDefaults, maxInFlight: 1 }
    const seen: (string | undefined)[] = []
    const answers: (() => void)[] = []
    const handle = limiter.layer(() => {
      seen.push(storage.getStore())
      return new Promise((resolve) => answers.push(() => resolve(replyOf())))
    })
    void storage.run('first', () => handle(callOf()))
    void storage.run('second', () => handle(callOf()))
    storage.run('third', () => answers[0]!())
    await settled()
    expect(seen).toEqual(['first', 'second'])
  })

  it('gives the wait up with its caller, in the words of the caller', async () => {
    const { handle, limiter } = limited({ maxInFlight: 1 })
    void handle(callOf())
    const call = callOf({ cancellation: new Cancellation() })
    const waiting = handle(call)
    const hungUp = new MeshError('MESH_ERR_ABORTED', 'hung up')
    call.cancellation.cancel(hungUp)
    await expect(waiting).rejects.toBe(hungUp)
    expect(limiter.waiting).toBe(0)
    await expect(handle(call)).rejects.toBe(hungUp)
  })

  it('ends the wait with the time of the call, and does not say that the service was slow', async () => {
    const { handle, underWay } = limited({ maxInFlight: 1 })
    void handle(callOf())
    const call = callOf({ timeoutMs: 200, cancellation: new Cancellation() })
    const waiting = handle(call)
    const late = new MeshError('MESH_ERR_DEADLINE', 'late', { processed: 'maybe' })
    call.cancellation.cancel(late)
    await expect(waiting).rejects.toMatchObject({
      code: 'MESH_ERR_LIMIT', processed: 'no', cause: late,
      message: 'users: GET waited for room for all of its 200 ms, while 1 calls were under way (limits.maxInFlight)',
    })
    underWay[0]!.answer().end()
    await settled()
    expect(underWay).toHaveLength(1)
  })

  it('follows a policy that comes later, and forgets nothing that is under way', async () => {
    const { handle, limiter, underWay } = limited({ maxInFlight: 3 })
    for (let i = 0; i < 4; i++) void handle(callOf())
    limiter.policy = { ...limitsDefaults, maxInFlight: 1 }
    underWay[0]!.answer().end()
    underWay[1]!.answer().end()
    await settled()
    expect([limiter.inFlight, limiter.waiting]).toEqual([1, 1])
    underWay[2]!.answer().end()
    await settled()
    expect([limiter.inFlight, limiter.waiting, underWay.length]).toEqual([1, 0, 4])
  })

  it('has calls wait that would find each endpoint full', () => {
    const { handle, limiter } = limited({ maxInFlightPerEndpoint: 2 }, 3)
    for (let i = 0; i < 8; i++) void handle(callOf())
    expect([limiter.limit, limiter.inFlight, limiter.waiting]).toEqual([6, 6, 2])
  })

  it('leaves it to the door to say that there is no endpoint', () => {
    const { handle, limiter } = limited({ maxInFlightPerEndpoint: 2 }, 0)
    void handle(callOf())
    expect([limiter.limit, limiter.inFlight]).toEqual([1_024, 1])
  })

  it('bounds nothing where 0 asks for that', () => {
    const { handle, underWay, limiter } = limited({ maxInFlight: 0 })
    for (let i = 0; i < 5_000; i++) void handle(callOf())
    expect([limiter.limit, underWay.length]).toEqual([Infinity, 5_000])
  })

  it('serves callers in turn who wait for each other, of whom there are always some more than there is room', async () => {
    const { handle, underWay, clock } = limited({ maxInFlight: 2 })
    const served = Array<number>(5).fill(0)
    const ask = (caller: number): void => {
      void handle(callOf({ startedAt: clock.now(), timeoutMs: 1_000 })).then(() => {
        served[caller]!++
        ask(caller)
      })
    }
    for (let caller = 0; caller < 5; caller++) ask(caller)
    for (let i = 0; i < 100; i++) {
      await clock.advance(20)
      underWay[i]!.answer().end()
    }
    await settled()
    expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(1)
  })

  it('L03 in an overload that lasts serves who can still be served in time, and not who has waited in vain', async () => {
    const { handle, underWay, clock } = limited({ maxInFlight: 1, maxWaiting: 1_000 })
    let inTime = 0
    let served = 0
    // Twice as many as can be served: one comes every 5 ms, and each takes 10 ms of its 200.
    for (let i = 0; i < 400; i++) {
      const call = callOf({ startedAt: clock.now(), timeoutMs: 200, cancellation: new Cancellation() })
      clock.after(200, () => call.cancellation.cancel(new MeshError('MESH_ERR_DEADLINE', 'late')))
      handle(call).then(() => (call.cancellation.reason === undefined ? inTime++ : 0), () => {})
      await clock.advance(5)
      if (i % 2 === 1 && served < underWay.length) underWay[served++]!.answer().end()
    }
    await settled()
    expect(inTime).toBeGreaterThan(180)
  })

  it('never has more under way than its limit or more waiting than may wait, and idles for nobody', async () => {
    const step = fc.constantFrom('call', 'end', 'fail', 'give up')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), fc.nat(3), async (steps, maxInFlight, maxWaiting) => {
        const { handle, limiter, underWay } = limited({ maxInFlight, maxWaiting })
        const calls: Call[] = []
        let ended = 0
        for (const doing of steps) {
          if (doing === 'call') {
            calls.push(callOf({ cancellation: new Cancellation() }))
            handle(calls.at(-1)!).catch(() => {})
          } else if (doing === 'give up') calls.at(-1)?.cancellation.cancel(new Error('given up'))
          else if (ended < underWay.length) {
            if (doing === 'end') underWay[ended++]!.answer().end()
            else underWay[ended++]!.fail(new Error('broken'))
          }
          for (let i = 0; i < 10; i++) await Promise.resolve()
          expect(limiter.inFlight).toBe(underWay.length - ended)
          expect(limiter.inFlight).toBeLessThanOrEqual(maxInFlight)
          expect(limiter.waiting).toBeLessThanOrEqual(maxWaiting)
          if (limiter.waiting > 0) expect(limiter.inFlight).toBe(maxInFlight)
        }
      }),
    )
  })

  it('finds its limit by latency when asked to, and below the other', async () => {
    const { handle, limiter, underWay, clock } = limited({ adaptive: true, maxInFlight: 30 })
    expect(limiter.limit).toBe(20)
    for (let round = 0; round < 40; round++) {
      const first = underWay.length
      for (let i = 0; i < 20; i++) void handle(callOf())
      await clock.advance(100)
      for (const { answer } of underWay.slice(first)) answer().end()
      await settled()
    }
    expect(limiter.limit).toBe(30)
  })

  it('takes a refusal for no quick answer', async () => {
    const { handle, limiter, underWay, clock } = limited({ adaptive: true })
    const round = async (status: number, times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const first = underWay.length
        for (let j = 0; j < limiter.limit; j++) void handle(callOf())
        await clock.advance(100)
        for (const [k, { answer }] of underWay.slice(first).entries()) answer(openReply({ status: k % 2 === 0 ? 200 : status })).end()
        await settled()
      }
    }
    await round(200, 60)
    const before = limiter.limit
    await round(503, 60)
    expect(before).toBeGreaterThan(35)
    expect(limiter.limit).toBeLessThan(before * 0.7)
  })
})
