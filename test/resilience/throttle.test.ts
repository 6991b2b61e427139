import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { seededRandom } from '../../src/base/random.js'
import type { Priority } from '../../src/call/priority.js'
import { outcomeOf } from '../../src/call/outcome.js'
import type { Reply } from '../../src/call/reply.js'
import { Throttle, throttleDefaults } from '../../src/resilience/throttle.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, replyOf } from '../support/scripted.js'

const accepted = (): Promise<Reply> => Promise.resolve(replyOf())
const refused = (): Promise<Reply> => Promise.resolve(replyOf({ status: 503 }))

function throttled(requestsPerAccept = 2, random = seededRandom(3)) {
  const clock = new FakeClock()
  const throttle = new Throttle({ service: 'users', policy: { ...throttleDefaults, requestsPerAccept }, clock, random })
  let step = accepted
  let sent = 0
  const handle = throttle.layer(() => (sent++, step()))
  const call = async (below: () => Promise<Reply>, times = 1, priority: Priority = 'normal'): Promise<number> => {
    step = below
    const before = sent
    for (let i = 0; i < times; i++) await handle(callOf({ priority })).catch(() => {})
    return sent - before
  }
  return { clock, throttle, call, handle: () => handle(callOf()) }
}

describe('throttle', () => {
  it('holds nothing back while at least every second call is accepted, and draws no number for it', async () => {
    const { call, throttle } = throttled(2, () => {
      throw new Error('no number is needed')
    })
    for (let i = 0; i < 100; i++) expect((await call(accepted)) + (await call(refused))).toBe(2)
    expect(throttle.ratio).toBe(0)
  })

  it('sends twice as many calls as a service accepts that has room for a tenth of them', async () => {
    const { call, clock } = throttled()
    let sent = 0
    for (let slot = 0; slot < 100; slot++) {
      let room = 10
      for (let i = 0; i < 100; i++) {
        const isSent = await call(room > 0 ? accepted : refused)
        room -= isSent
        if (slot >= 50) sent += isSent
      }
      await clock.advance(100)
    }
    expect(sent / 50 / 10).toBeGreaterThan(1.7)
    expect(sent / 50 / 10).toBeLessThan(2.3)
  })

  it.each<[string, () => Promise<Reply>, boolean]>([
    ['503', refused, true],
    ['429', () => Promise.resolve(replyOf({ status: 429 })), true],
    ['a refusal that bears the mark', () => Promise.resolve(replyOf({ status: 500, headers: { 'mesh-not-processed': '1' } })), true],
    ['500', () => Promise.resolve(replyOf({ status: 500 })), false],
    ['404', () => Promise.resolve(replyOf({ status: 404 })), false],
    ['a broken connection', () => Promise.reject(new MeshError('MESH_ERR_CONNECTION', 'broken', { processed: 'maybe' })), false],
    ['a caller who hung up', () => Promise.reject(new MeshError('MESH_ERR_ABORTED', 'hung up')), false],
  ])('goes by refusals alone: %s', async (_, step, counts) => {
    const { call, throttle } = throttled()
    await call(step, 50)
    expect(throttle.ratio > 0.5).toBe(counts)
  })

  it('says what it goes by, and blames nothing on the service', async () => {
    const { call, handle } = throttled(2, () => 0)
    await call(refused, 21)
    const error = await handle().catch((reason: MeshError) => reason)
    expect(error).toMatchObject({ code: 'MESH_ERR_THROTTLED', service: 'users', attempts: 0 })
    expect((error as MeshError).message).toMatch(/^users: accepted 0 of the last 22 calls of normal priority, so that 96 % of them are held back/)
    expect(outcomeOf(error as MeshError)).toEqual({ kind: 'ignored', processed: 'no' })
  })

  it('holds back no call of a priority that is accepted, whatever becomes of the others', async () => {
    const { call } = throttled(2, () => 0)
    await call(refused, 500, 'low')
    expect(await call(accepted, 100, 'critical')).toBe(100)
    expect(await call(accepted, 100)).toBe(100)
    expect(await call(refused, 100, 'low')).toBe(0)
  })

  it('lets one through every tenth of the window, however bad the odds', async () => {
    const { call, clock } = throttled(2, () => 0)
    await call(refused, 1_000)
    for (let i = 0; i < 20; i++) {
      await clock.advance(500)
      expect(await call(refused, 100)).toBe(1)
    }
  })

  it('holds nothing back of a handful of calls, whatever becomes of them', async () => {
    const { call, clock } = throttled(2, () => 0)
    for (let i = 0; i < 20; i++) {
      expect(await call(refused)).toBe(1)
      await clock.advance(300)
    }
  })

  it('forgets', async () => {
    const { call, clock, throttle } = throttled()
    await call(refused, 100)
    await clock.advance(5_000)
    expect(throttle.ratio).toBe(0)
  })

  it('never holds anything back where 0 asks for that', async () => {
    const { call } = throttled(0, () => 0)
    expect(await call(refused, 1_000)).toBe(1_000)
  })

  it('has a chance between 0 and 1, that only refusals raise', async () => {
    const answer = fc.record({ isGood: fc.boolean(), after: fc.nat(200) })
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { maxLength: 100 }), fc.integer({ min: 1, max: 4 }), async (answers, requestsPerAccept) => {
        const { call, clock, throttle } = throttled(requestsPerAccept)
        for (const { isGood, after } of answers) {
          await clock.advance(after)
          const before = throttle.ratio
          const sent = await call(isGood ? accepted : refused)
          const { ratio } = throttle
          expect(ratio).toBeGreaterThanOrEqual(0)
          expect(ratio).toBeLessThan(1)
          // The one that makes them enough to judge by may be a good one.
          if (sent === 1 && isGood) expect(before === 0 ? 0 : ratio).toBeLessThanOrEqual(before)
          else expect(ratio).toBeGreaterThanOrEqual(before)
        }
      }),
      { numRuns: 30 },
    )
  })
})
