import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { MeshError, type MeshErrorCode, type Processed } from '../../src/base/errors.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import type { BodyStream, RequestBody } from '../../src/call/body.js'
import type { Call } from '../../src/call/call.js'
import { Chain, RESEND_HEADER, RETRIED_HEADER } from '../../src/call/chain.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { headerValue, type ResponseHeaders } from '../../src/call/headers.js'
import { NOT_PROCESSED_HEADER } from '../../src/call/outcome.js'
import type { RetryPolicy } from '../../src/call/policy.js'
import { retry, retryDefaults } from '../../src/resilience/retry.js'
import { RetryBudget } from '../../src/resilience/retry-budget.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { callOf, endpointOf, openReply, replyOf, scripted, type Step } from '../support/scripted.js'

interface Scene {
  readonly policy?: Partial<RetryPolicy>
  /** Endpoints of the service. Default: so many that there is always another one. */
  readonly endpoints?: number
  /** What chance says, always. Default 0.5. */
  readonly lot?: number
}

function retrying(steps: Step<Call>[], { policy: changes = {}, endpoints = 100, lot = 0.5 }: Scene = {}) {
  const events = new Events()
  const told: MeshEvents['retried'][] = []
  const denied: MeshEvents['retryDenied'][] = []
  events.on('retried', (event) => told.push(event))
  events.on('retryDenied', (event) => denied.push(event))
  const policy = { ...retryDefaults, ...changes }
  const clock = new FakeClock()
  const budget = new RetryBudget(policy)
  const last = scripted(...steps)
  const layer = retry({
    policy,
    budget,
    othersThan: (tried) => tried.length < endpoints,
    clock,
    wheel: new TimerWheel(clock),
    random: () => lot,
    events,
  })
  // As the door does it.
  const door = (call: Call) => (call.tried.push(`users-${call.tried.length + 1}`), last.handle(call))
  return { told, denied, seen: last.seen, clock, budget, handle: layer(door) }
}

/** A failure as the transport throws it: it knows the endpoint and counts the attempts. */
const failing =
  (code: MeshErrorCode, processed: Processed, cause?: unknown): Step<Call> =>
  ({ resends, tried }) => {
    throw new MeshError(code, code, { service: 'users', endpoint: tried.at(-1), attempts: resends + 1, processed, cause })
  }
const refused = failing('MESH_ERR_CONNECT', 'no')
const broken = failing('MESH_ERR_CONNECTION', 'maybe')
const late = failing('MESH_ERR_ATTEMPT_TIMEOUT', 'maybe')
const answer = (status: number, headers: ResponseHeaders = {}): Step<Call> =>
  ({ resends, tried }) => replyOf({ status, headers, endpoint: endpointOf(tried.at(-1)!), attempts: resends + 1 })
const MARK = { [NOT_PROCESSED_HEADER]: '1' }

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'TRACE']
const OTHERS = ['POST', 'PATCH', 'CONNECT', 'LINK']

/** Runs a call to its end, however long it pauses, and tells what became of it. */
async function outcome({ handle, clock }: ReturnType<typeof retrying>, call: Call = callOf()) {
  const result: { status?: number; error?: MeshError; atMs?: number } = {}
  void handle(call).then(
    ({ status }) => Object.assign(result, { status, atMs: clock.now() }),
    (error: MeshError) => Object.assign(result, { error, atMs: clock.now() }),
  )
  await settled()
  while (result.atMs === undefined) await clock.advance(10)
  return result
}

describe('retry', () => {
  describe('after a failure in which nothing left this process', () => {
    it.each([...IDEMPOTENT, ...OTHERS])('sends a %s again, elsewhere and at once', async (method) => {
      const scene = retrying([refused, refused, answer(200)])
      expect(await outcome(scene, callOf({ method }))).toEqual({ status: 200, atMs: 0 })
      expect(scene.seen.map(({ resends }) => resends)).toEqual([0, 1, 2])
      expect(scene.told).toMatchObject([
        { service: 'users', resends: 1, error: { endpoint: 'users-1' } },
        { service: 'users', resends: 2, error: { endpoint: 'users-2' } },
      ])
    })
  })

  describe('after a refusal before any work', () => {
    it.each([503, 429])('sends a POST refused with %i again, elsewhere and at once, and drops the refusal', async (status) => {
      const refusal = openReply({ status, headers: MARK, endpoint: endpointOf('a') })
      const scene = retrying([refusal.reply, answer(200)])
      expect(await outcome(scene, callOf({ method: 'POST', body: 'x' }))).toEqual({ status: 200, atMs: 0 })
      expect(scene.told[0]!.error.message).toBe(`users: a refused with ${status} before any work`)
      refusal.push('x'.repeat(100_000))
      expect(refusal.abortedWith).toBeDefined()
    })

    it('asks another endpoint at once although the one that refused asks for a pause, which is its own', async () => {
      const scene = retrying([answer(503, { ...MARK, 'retry-after': '5' }), answer(200)])
      expect(await outcome(scene, callOf({ method: 'POST' }))).toEqual({ status: 200, atMs: 0 })
    })

    it('waits for as long as it is asked to, and a little longer, where there is no other endpoint', async () => {
      const scene = retrying([answer(503, { ...MARK, 'retry-after': '5' }), answer(200)], { endpoints: 1 })
      const { status, atMs } = await outcome(scene, callOf({ method: 'POST', timeoutMs: 15_000 }))
      expect(status).toBe(200)
      expect(atMs).toBeCloseTo(5_500, -1.5)
    })

    it('gives the last refusal to the caller, with its body', async () => {
      const refusals = [1, 2, 3].map((attempts) => openReply({ status: 503, headers: MARK, attempts }))
      const { seen, handle } = retrying(refusals.map(({ reply }) => reply))
      const reply = await handle(callOf())
      expect(seen).toHaveLength(3)
      refusals[2]!.push('try later')
      refusals[2]!.end()
      expect(await reply.text()).toBe('try later')
    })

    it('gives up what came too late: elsewhere there is no more time', async () => {
      const scene = retrying([answer(504, MARK), answer(200)])
      expect((await outcome(scene)).status).toBe(504)
    })
  })

  describe('after a failure in which the service may have acted', () => {
    const failures: [string, Step<Call>, boolean][] = [
      ['a connection that broke before an answer', broken, false],
      ['something else than HTTP', failing('MESH_ERR_RESPONSE', 'maybe', { code: 'HPE_INVALID_CONSTANT' }), false],
      ['an attempt timeout', late, true],
      ['502', answer(502), true],
      ['504', answer(504), true],
      ['503 with Retry-After: 0', answer(503, { 'retry-after': '0' }), true],
      ['429 with Retry-After: 0', answer(429, { 'retry-after': '0' }), true],
    ]

    it.each(failures)('%s: sends again what can be done twice, elsewhere', async (_, failure, pauses) => {
      for (const method of IDEMPOTENT) {
        const scene = retrying([failure, answer(200)])
        const { status, atMs } = await outcome(scene, callOf({ method }))
        expect(status).toBe(200)
        // Half of 25 ms, and what the timer is late.
        expect(atMs).toBe(pauses ? 20 : 0)
      }
    })

    it.each(failures)('%s: never sends anything else twice', async (_, failure) => {
      for (const method of OTHERS) {
        const scene = retrying([failure, answer(200)])
        await outcome(scene, callOf({ method }))
        expect(scene.seen).toHaveLength(1)
      }
    })

    it.each<[string, Partial<Call>, Partial<RetryPolicy>, number]>([
      ['bears an Idempotency-Key', { headers: ['idempotency-key', 'k-1'] }, {}, 2],
      ['bears an empty one', { headers: ['idempotency-key', ''] }, {}, 1],
      ['is called idempotent', { idempotent: true }, {}, 2],
      ['goes to a service where everything is', {}, { idempotent: true }, 2],
      ['is said not to be, whatever the service says', { idempotent: false }, { idempotent: true }, 1],
    ])('takes a POST for repeatable, or not, when it %s', async (_, changes, policy, attempts) => {
      const scene = retrying([broken, answer(200)], { policy })
      await outcome(scene, callOf({ method: 'POST', ...changes }))
      expect(scene.seen).toHaveLength(attempts)
    })

    it('takes a GET for what it is said to be', async () => {
      const scene = retrying([broken, answer(200)])
      await outcome(scene, callOf({ idempotent: false }))
      expect(scene.seen).toHaveLength(1)
    })
  })

  describe('after a 503 or 429 that asks for a pause', () => {
    it.each([503, 429])('%i: comes back after it, up to a fifth later', async (status) => {
      for (const lot of [0, 0.999]) {
        const scene = retrying([answer(status, { 'retry-after': '2' }), answer(200)], { lot })
        const { status: last, atMs } = await outcome(scene, callOf({ timeoutMs: 15_000 }))
        expect(last).toBe(200)
        expect(atMs).toBeGreaterThanOrEqual(2_000)
        expect(atMs! - 2_000 * (1 + 0.2 * lot)).toBeLessThanOrEqual(10)
      }
    })

    it('understands a date', async () => {
      const scene = retrying([answer(503, { 'retry-after': new Date(1_800_000_000_000 + 3_000).toUTCString() }), answer(200)], { lot: 0 })
      expect(await outcome(scene, callOf({ timeoutMs: 15_000 }))).toEqual({ status: 200, atMs: 3_000 })
    })

    it('gives the answer to the caller at once when the pause is longer than the time that is left', async () => {
      const scene = retrying([answer(503, { 'retry-after': '2' }), answer(200)])
      expect(await outcome(scene, callOf({ timeoutMs: 2_000 }))).toEqual({ status: 503, atMs: 0 })
      expect(scene.seen).toHaveLength(1)
    })
  })

  it.each([500, 501, 503, 429, 404, 200])('leaves an answer of %i alone that says nothing about another try', async (status) => {
    const scene = retrying([answer(status), answer(200)])
    expect((await outcome(scene)).status).toBe(status)
    expect(scene.seen).toHaveLength(1)
  })

  it.each<[MeshErrorCode, Processed, unknown?]>([
    ['MESH_ERR_CONNECTION', 'yes'],
    ['MESH_ERR_RESPONSE', 'yes'],
    ['MESH_ERR_RESPONSE', 'maybe', { code: 'UND_ERR_HEADERS_OVERFLOW' }],
    ['MESH_ERR_DEADLINE', 'maybe'],
    ['MESH_ERR_NO_ENDPOINTS', 'no'],
    ['MESH_ERR_NOT_READY', 'no'],
    ['MESH_ERR_IDENTITY', 'no'],
    ['MESH_ERR_REQUEST', 'no'],
    ['MESH_ERR_CLOSED', 'no'],
    ['MESH_ERR_ABORTED', 'no'],
  ])('does not send again after %s that was processed: %s', async (code, processed, cause) => {
    const scene = retrying([failing(code, processed, cause), answer(200)])
    expect((await outcome(scene)).error).toMatchObject({ code })
    expect(scene.seen).toHaveLength(1)
  })

  it('does not send again after an error that it does not know', async () => {
    const unknown = new Error('?')
    const { handle } = retrying([unknown, answer(200)])
    await expect(handle(callOf())).rejects.toBe(unknown)
  })

  it('does not send again what nobody waits for', async () => {
    const call = callOf()
    const scene = retrying([
      () => {
        call.cancellation.cancel(new MeshError('MESH_ERR_ABORTED', 'hung up'))
        throw new MeshError('MESH_ERR_CONNECT', 'refused', { endpoint: 'a', attempts: 1 })
      },
      answer(200),
    ])
    expect((await outcome(scene, call)).error).toMatchObject({ code: 'MESH_ERR_CONNECT' })
    expect(scene.seen).toHaveLength(1)
  })

  it('sends once, and no more, what is to be sent once', async () => {
    const scene = retrying([refused, answer(200)])
    expect((await outcome(scene, callOf({ once: true }))).error).toMatchObject({ code: 'MESH_ERR_CONNECT' })
  })

  it.each([0, 1, 2])('sends at most %i times more, and says how often it tried', async (maxResends) => {
    const scene = retrying([refused, refused, refused, refused], { policy: { maxResends } })
    expect((await outcome(scene)).error).toMatchObject({ code: 'MESH_ERR_CONNECT', attempts: maxResends + 1 })
    expect(scene.seen).toHaveLength(maxResends + 1)
  })

  it('counts two attempts that were made side by side as two', async () => {
    const scene = retrying([() => { throw new MeshError('MESH_ERR_CONNECTION', 'both', { attempts: 2, processed: 'maybe' }) }, broken, answer(200)])
    expect((await outcome(scene)).error).toMatchObject({ attempts: 3 })
    expect(scene.seen.map(({ resends }) => resends)).toEqual([0, 2])
  })

  describe('pauses', () => {
    it('twice as long before each attempt, up to a limit, once every endpoint was tried', async () => {
      const scene = retrying([refused, refused, refused, refused, refused, answer(200)], {
        endpoints: 1, lot: 1, policy: { maxResends: 5, backoffMs: 20, maxBackoffMs: 100 },
      })
      expect(await outcome(scene, callOf({ timeoutMs: 5_000 }))).toEqual({ status: 200, atMs: 20 + 40 + 80 + 100 + 100 })
    })

    it('ends with the call, and says how often it was tried', async () => {
      const call = callOf({ timeoutMs: 60_000 })
      const scene = retrying([answer(503, { 'retry-after': '30' }), answer(200)])
      const failing = scene.handle(call)
      await scene.clock.advance(1_000)
      call.cancellation.cancel(new MeshError('MESH_ERR_ABORTED', 'hung up', { processed: 'maybe' }))
      await expect(failing).rejects.toMatchObject({ code: 'MESH_ERR_ABORTED', attempts: 1 })
      expect(scene.clock.pending).toBeLessThanOrEqual(1)
      expect(scene.seen).toHaveLength(1)
    })
  })

  describe('the account of a failure', () => {
    it('counts the attempts of an error that was made above it', async () => {
      const scene = retrying([
        refused,
        ({ cancellation }) => {
          const over = new MeshError('MESH_ERR_DEADLINE', 'late', { service: 'users', processed: 'maybe' })
          cancellation.cancel(over)
          throw over
        },
      ])
      const expected = { code: 'MESH_ERR_DEADLINE', message: 'late', service: 'users', attempts: 2, processed: 'maybe' }
      expect((await outcome(scene)).error).toMatchObject(expected)
    })

    it('counts the attempts before an error that was none itself', async () => {
      const scene = retrying([refused, new MeshError('MESH_ERR_IDENTITY', 'no token')])
      expect((await outcome(scene)).error).toMatchObject({ code: 'MESH_ERR_IDENTITY', attempts: 1 })
    })

    it('says that the service may have acted when any attempt may have arrived, whatever came after it', async () => {
      const scene = retrying([broken, refused, refused])
      const call = callOf({ method: 'POST', headers: ['idempotency-key', 'k-1'] })
      expect((await outcome(scene, call)).error).toMatchObject({ code: 'MESH_ERR_CONNECT', attempts: 3, processed: 'maybe' })
    })
  })

  describe('what is sent', () => {
    it('is the whole call, marked as one more try, with one list of where it went', async () => {
      const { seen, handle } = retrying([refused, answer(200)])
      const call = callOf({ method: 'PUT', body: 'x', headers: ['host', 'users', 'x-a', '1'], template: '/t' })
      await handle(call)
      expect(seen[0]).toBe(call)
      expect(seen[1]).toEqual({ ...call, resends: 1, headers: [...call.headers, RESEND_HEADER, '1'] })
      expect(seen[1]!.tried).toBe(call.tried)
      expect(call).toMatchObject({ resends: 0, headers: ['host', 'users', 'x-a', '1'] })
    })

    /** Reads so much of a body, or all of it. */
    async function read(body: RequestBody, pieces = Infinity): Promise<string> {
      const stream = (typeof body === 'function' ? body() : body) as AsyncIterable<Uint8Array>
      let text = ''
      for await (const piece of stream) {
        text += Buffer.from(piece).toString()
        if (--pieces <= 0) break
      }
      return text
    }

    const streams: [string, () => BodyStream][] = [
      ['a stream', () => Readable.from(['one,', 'two,', 'three'].map((text) => Buffer.from(text)))],
      ['a web stream', () => new Blob(['one,two,three']).stream()],
      ['an iterable', async function* () {
        for (const text of ['one,', 'two,', 'three']) yield Buffer.from(text)
      }],
    ]

    it.each(streams)('of %s is the same from its beginning, however much of it was read before', async (_, stream) => {
      for (const pieces of [0, 1, 2, Infinity]) {
        const bodies: string[] = []
        const readSome = async (call: Call): Promise<never> => {
          if (pieces > 0) bodies.push(await read(call.body, pieces))
          throw new MeshError('MESH_ERR_CONNECTION', 'broken', { attempts: call.resends + 1, processed: 'maybe' })
        }
        const readAll = async (call: Call) => (bodies.push(await read(call.body)), replyOf())
        const scene = retrying([readSome, readSome, readAll])
        expect((await outcome(scene, callOf({ method: 'PUT', body: stream() }))).status).toBe(200)
        expect(bodies.at(-1)).toBe('one,two,three')
      }
    })

    it('is whole although the stream goes on during the pause, and outgrows the limit', async () => {
      const pieces = ['a'.repeat(50_000), 'b'.repeat(50_000), 'c']
      const waiting: (() => void)[] = []
      const body = (async function* () {
        for (const piece of pieces) {
          yield Buffer.from(piece)
          await new Promise<void>((resolve) => waiting.push(resolve))
        }
      })()
      let text = ''
      const stalled = async ({ body, ...call }: Call): Promise<never> => {
        // As the transport: it goes on waiting for the next piece although its request has failed.
        void read(body).catch(() => {})
        await settled()
        throw new MeshError('MESH_ERR_ATTEMPT_TIMEOUT', 'late', { attempts: call.resends + 1, processed: 'maybe' })
      }
      const scene = retrying([stalled, async (call) => ((text = await read(call.body)), replyOf())])
      const answering = scene.handle(callOf({ method: 'PUT', body }))
      await settled()
      waiting.shift()!()
      await settled()
      await scene.clock.advance(20)
      for (let i = 0; i < 2; i++) {
        await settled()
        waiting.shift()!()
      }
      expect((await answering).status).toBe(200)
      expect(text).toBe(pieces.join(''))
    })

    it('of a function is made anew for each attempt, however long it is', async () => {
      let made = 0
      const body = (): BodyStream => (made++, Readable.from([Buffer.alloc(1_000_000)]))
      const readAll = (status: number) => async (call: Call) => (expect(await read(call.body)).toHaveLength(1_000_000), replyOf({ status }))
      const scene = retrying([readAll(502), readAll(200)])
      expect((await outcome(scene, callOf({ method: 'PUT', body }))).status).toBe(200)
      expect(made).toBe(2)
    })
  })

  describe('the budget', () => {
    it('gives the failure to the caller as it is when it is empty, and tells so', async () => {
      const scene = retrying([refused, answer(200), answer(502, { a: 'b' }), answer(200)], { policy: { minPerSec: 0.1, budgetRatio: 0 } })
      await outcome(scene)
      const reply = await scene.handle(callOf())
      expect(reply).toMatchObject({ status: 502, headers: { a: 'b' } })
      expect(scene.denied).toMatchObject([{ service: 'users', error: { code: 'MESH_ERR_RESPONSE', attempts: 1 } }])
      expect(scene.told).toHaveLength(1)
    })

    it('is not drawn on by what is not sent', async () => {
      const scene = retrying([broken, refused, refused], { policy: { minPerSec: 0.1, budgetRatio: 0 } })
      await outcome(scene, callOf({ method: 'POST' }))
      expect(scene.budget.withdraw(0)).toBe(true)
    })
  })

  describe('in a chain', () => {
    it('does not send again what it calls for a request that was itself sent again, and says so below', async () => {
      const scene = retrying([answer(502), answer(200)])
      expect((await outcome(scene, callOf({ chain: new Chain(true) }))).status).toBe(502)
      expect(scene.seen).toHaveLength(1)
      expect(headerValue(scene.seen[0]!.headers, RESEND_HEADER)).toBe('1')
    })

    it('does when nothing left this process, which is no load for anybody', async () => {
      const scene = retrying([refused, answer(200)])
      expect((await outcome(scene, callOf({ chain: new Chain(true) }))).status).toBe(200)
    })

    it('does not send again what failed for a reason that was tried again behind it', async () => {
      const scene = retrying([answer(503, { ...MARK, [RETRIED_HEADER]: '1' }), answer(200)])
      expect((await outcome(scene)).status).toBe(503)
      expect(scene.seen).toHaveLength(1)
    })

    it.each<[string, Step<Call>[], Scene, boolean]>([
      ['it was tried again and failed', [refused, refused, refused], {}, true],
      ['it was tried again and answered 500', [refused, answer(500)], {}, true],
      ['it failed for a reason that was tried again behind it', [answer(502, { [RETRIED_HEADER]: '1' })], {}, true],
      ['it was not tried again for lack of budget', [refused], { policy: { minPerSec: 0, budgetRatio: 0 } }, true],
      ['it was tried again and succeeded', [refused, answer(200)], {}, false],
      ['it failed once and is never tried again', [answer(500)], {}, false],
      ['it succeeded', [answer(200)], {}, false],
    ])('has the request that caused a call know whether %s', async (_, steps, scene, spent) => {
      const chain = new Chain(false)
      await outcome(retrying(steps, scene), callOf({ chain }))
      expect(chain.spent).toBe(spent)
    })
  })
})
