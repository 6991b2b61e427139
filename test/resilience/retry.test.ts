import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { MeshError, type MeshErrorCode, type Processed } from '../../src/base/errors.js'
import type { Call } from '../../src/call/call.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { NOT_PROCESSED_HEADER } from '../../src/call/outcome.js'
import { retry } from '../../src/resilience/retry.js'
import { callOf, endpointOf, openReply, replyOf, scripted, type Step } from '../support/scripted.js'

function retrying(steps: Step<Call>[], maxResends = 2) {
  const events = new Events()
  const told: MeshEvents['retried'][] = []
  events.on('retried', (event) => told.push(event))
  const last = scripted(...steps)
  return { told, seen: last.seen, handle: retry({ maxResends, events })(last.handle) }
}

/** A failure as the transport throws it: it knows the endpoint and counts the attempts. */
const failing =
  (code: MeshErrorCode, processed: Processed, endpoint: string): Step<Call> =>
  ({ resends }) => {
    throw new MeshError(code, code, { service: 'users', endpoint, attempts: resends + 1, processed })
  }
const refusedAt = (endpoint: string): Step<Call> => failing('MESH_ERR_CONNECT', 'no', endpoint)
const brokenAt = (endpoint: string): Step<Call> => failing('MESH_ERR_CONNECTION', 'maybe', endpoint)
const shed = (id: string, status = 503): ReturnType<typeof openReply> =>
  openReply({ status, headers: { [NOT_PROCESSED_HEADER]: '1' }, endpoint: endpointOf(id) })

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'QUERY', 'TRACE']

describe('retry', () => {
  it.each([...IDEMPOTENT, 'POST', 'PATCH'])('sends a %s that never left again, elsewhere', async (method) => {
    const answer = replyOf()
    const { seen, told, handle } = retrying([refusedAt('a'), refusedAt('b'), answer])
    expect(await handle(callOf({ method }))).toBe(answer)
    expect(seen.map(({ resends }) => resends)).toEqual([0, 1, 2])
    expect(told).toMatchObject([
      { service: 'users', resends: 1, error: { endpoint: 'a' } },
      { service: 'users', resends: 2, error: { endpoint: 'b' } },
    ])
  })

  it.each(IDEMPOTENT)('sends a %s again whose connection broke before an answer', async (method) => {
    const answer = replyOf()
    const { seen, handle } = retrying([brokenAt('a'), answer])
    expect(await handle(callOf({ method }))).toBe(answer)
    expect(seen).toHaveLength(2)
  })

  it.each(['POST', 'PATCH', 'CONNECT', 'LINK'])('never sends a %s twice that may have been processed', async (method) => {
    const { seen, handle } = retrying([brokenAt('a'), replyOf()])
    await expect(handle(callOf({ method }))).rejects.toMatchObject({ code: 'MESH_ERR_CONNECTION', attempts: 1 })
    expect(seen).toHaveLength(1)
  })

  it.each([503, 429])('offers a call refused with %i before any work elsewhere, and drops the refusal', async (status) => {
    const refusal = shed('a', status)
    const answer = replyOf()
    const { told, handle } = retrying([refusal.reply, answer])
    expect(await handle(callOf({ method: 'POST', body: 'x' }))).toBe(answer)
    expect(told[0]!.error.message).toBe(`users: a refused with ${status} before any work`)
    refusal.push('x'.repeat(100_000))
    expect(refusal.abortedWith).toBeDefined()
  })

  it('gives the last refusal to the caller, with its body', async () => {
    const refusals = ['a', 'b', 'c'].map((id) => shed(id))
    const { seen, handle } = retrying(refusals.map(({ reply }) => reply))
    const reply = await handle(callOf())
    expect(seen).toHaveLength(3)
    refusals[2]!.push('try later')
    refusals[2]!.end()
    expect(await reply.text()).toBe('try later')
  })

  it.each([500, 502, 503, 504, 429, 404, 200])('leaves an answer of %i alone that does not say so', async (status) => {
    const { seen, handle } = retrying([replyOf({ status }), replyOf()])
    expect((await handle(callOf())).status).toBe(status)
    expect(seen).toHaveLength(1)
  })

  it.each<[MeshErrorCode, Processed]>([
    ['MESH_ERR_ATTEMPT_TIMEOUT', 'maybe'],
    ['MESH_ERR_RESPONSE', 'yes'],
    ['MESH_ERR_NO_ENDPOINTS', 'no'],
    ['MESH_ERR_NOT_READY', 'no'],
    ['MESH_ERR_IDENTITY', 'no'],
    ['MESH_ERR_REQUEST', 'no'],
    ['MESH_ERR_CLOSED', 'no'],
    ['MESH_ERR_ABORTED', 'no'],
  ])('does not send again after %s', async (code, processed) => {
    const { seen, handle } = retrying([failing(code, processed, 'a'), replyOf()])
    await expect(handle(callOf())).rejects.toMatchObject({ code })
    expect(seen).toHaveLength(1)
  })

  it('does not send again after an error that it does not know', async () => {
    const unknown = new Error('?')
    const { handle } = retrying([unknown, replyOf()])
    await expect(handle(callOf())).rejects.toBe(unknown)
  })

  it.each<[string, Call['body'], number]>([
    ['text', 'text', 2],
    ['bytes', new Uint8Array([1]), 2],
    ['nothing', null, 2],
    ['a stream', Readable.from(['x']), 1],
    ['an iterable', (async function* () {})(), 1],
  ])('sends %s again only if it can be read twice', async (_, body, attempts) => {
    const { seen, handle } = retrying([refusedAt('a'), replyOf()])
    await handle(callOf({ method: 'PUT', body })).catch(() => {})
    expect(seen).toHaveLength(attempts)
  })

  it('does not send again what nobody waits for', async () => {
    const call = callOf()
    const { seen, handle } = retrying([
      () => {
        call.cancellation.cancel(new MeshError('MESH_ERR_ABORTED', 'hung up'))
        throw new MeshError('MESH_ERR_CONNECT', 'refused', { endpoint: 'a', attempts: 1 })
      },
      replyOf(),
    ])
    await expect(handle(call)).rejects.toMatchObject({ code: 'MESH_ERR_CONNECT' })
    expect(seen).toHaveLength(1)
  })

  it.each([0, 1, 2])('sends at most %i times more, and says how often it tried', async (maxResends) => {
    const { seen, handle } = retrying(['a', 'b', 'c', 'd'].map(refusedAt), maxResends)
    await expect(handle(callOf())).rejects.toMatchObject({ code: 'MESH_ERR_CONNECT', attempts: maxResends + 1 })
    expect(seen).toHaveLength(maxResends + 1)
  })

  it('counts the attempts of an error that was made above it', async () => {
    const call = callOf()
    const { handle } = retrying([
      refusedAt('a'),
      ({ cancellation }) => {
        const late = new MeshError('MESH_ERR_DEADLINE', 'late', { service: 'users', processed: 'maybe' })
        cancellation.cancel(late)
        throw late
      },
    ])
    const late = { code: 'MESH_ERR_DEADLINE', message: 'late', service: 'users', attempts: 2, processed: 'maybe' }
    await expect(handle(call)).rejects.toMatchObject(late)
  })

  it('counts the attempts before an error that was none itself', async () => {
    const { handle } = retrying([refusedAt('a'), new MeshError('MESH_ERR_IDENTITY', 'no token')])
    await expect(handle(callOf())).rejects.toMatchObject({ code: 'MESH_ERR_IDENTITY', attempts: 1 })
  })

  it('loses nothing of the call on its way to another endpoint', async () => {
    const { seen, handle } = retrying([refusedAt('a'), replyOf()])
    const call = callOf({ method: 'PUT', body: 'x', headers: ['host', 'users', 'x-a', '1'], template: '/t' })
    await handle(call)
    expect(seen[1]).toEqual({ ...call, resends: 1 })
    expect(call.resends).toBe(0)
  })

  it('gives all attempts of a call one list of where it went, and writes nothing into it', async () => {
    const { seen, handle } = retrying([refusedAt('a'), refusedAt('b'), replyOf()])
    const call = callOf()
    await handle(call)
    expect(seen.every(({ tried }) => tried === call.tried)).toBe(true)
    expect(call.tried).toEqual([])
  })
})
