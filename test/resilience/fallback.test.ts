import { describe, expect, it } from 'vitest'
import { MeshError, type MeshErrorCode } from '../../src/base/errors.js'
import type { Call } from '../../src/call/call.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { breakerDefaults, createBreaker } from '../../src/resilience/breaker.js'
import { fallback, type FailedCall, type Fallback } from '../../src/resilience/fallback.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, openReply, replyOf, scripted, type Step } from '../support/scripted.js'

function scene(answer: Fallback, ...steps: Step<Call>[]) {
  const events = new Events()
  const told: MeshEvents['fallback'][] = []
  const broken: MeshEvents['listenerError'][] = []
  events.on('fallback', (event) => void told.push(event))
  events.on('listenerError', (event) => void broken.push(event))
  const breaker = createBreaker({ service: 'users', policy: breakerDefaults, events, clock: new FakeClock() })
  return { breaker, told, broken, handle: fallback({ answer, breaker, events })(scripted(...steps).handle) }
}

const connection = new MeshError('MESH_ERR_CONNECTION', 'broken', { service: 'users', attempts: 3, processed: 'maybe' })

describe('fallback', () => {
  it.each<[MeshErrorCode, 'no' | 'maybe']>([
    ['MESH_ERR_BREAKER_OPEN', 'no'],
    ['MESH_ERR_CONNECT', 'no'],
    ['MESH_ERR_CONNECTION', 'maybe'],
    ['MESH_ERR_ATTEMPT_TIMEOUT', 'maybe'],
    ['MESH_ERR_RESPONSE', 'maybe'],
    ['MESH_ERR_DEADLINE', 'maybe'],
    ['MESH_ERR_DEADLINE', 'no'],
    ['MESH_ERR_NO_ENDPOINTS', 'no'],
    ['MESH_ERR_NOT_READY', 'no'],
  ])('answers in the place of %s (processed: %s)', async (code, processed) => {
    const { handle } = scene(() => ({ json: { name: 'nobody' } }), new MeshError(code, 'failed', { processed }))
    const reply = await handle(callOf())
    expect([reply.status, reply.fallback, await reply.json()]).toEqual([200, true, { name: 'nobody' }])
  })

  it.each<MeshErrorCode>(['MESH_ERR_ABORTED', 'MESH_ERR_REQUEST', 'MESH_ERR_OPTION', 'MESH_ERR_CLOSED', 'MESH_ERR_IDENTITY', 'MESH_ERR_UNKNOWN_HOST'])(
    'does not answer in the place of %s, which is not of the service',
    async (code) => {
      const error = new MeshError(code, 'not of the service')
      const { handle, told } = scene(() => Promise.reject(new Error('it was asked')), error)
      await expect(handle(callOf())).rejects.toBe(error)
      expect(told).toEqual([])
    },
  )

  it('is told the call and the error, and is in the counts, in the events and on the reply', async () => {
    let asked: [FailedCall, MeshError] | undefined
    const { handle, told, breaker } = scene((...args) => ((asked = args), { body: 'x' }), connection)
    const call = callOf({ path: '/users/42?full=1', template: '/users/{id}', headers: ['host', 'users', 'x-trace', 'a'] })
    const reply = await handle(call)
    expect(asked).toEqual([
      { service: 'users', method: 'GET', path: '/users/42?full=1', template: '/users/{id}', headers: { 'x-trace': 'a' } },
      connection,
    ])
    expect(told).toEqual([{ service: 'users', method: 'GET', error: connection }])
    expect(breaker.circuit.stats.fallbacks).toBe(1)
    expect(reply).toMatchObject({ attempts: 3, endpoint: { id: 'fallback' } })
  })

  it('answers in the place of a failed answer, which is dropped', async () => {
    const failed = openReply({ status: 503 })
    let error: MeshError | undefined
    const { handle } = scene((_, given) => ((error = given), { status: 404 }), failed.reply)
    expect((await handle(callOf())).status).toBe(404)
    expect(error).toMatchObject({ code: 'MESH_ERR_RESPONSE', message: 'users: users-1 answered 503', endpoint: 'users-1' })
    failed.push('x'.repeat(100_000))
    expect(failed.abortedWith).toBe(error)
  })

  it.each([200, 404, 401])('leaves an answer of %d alone', async (status) => {
    const reply = replyOf({ status })
    const { handle } = scene(() => ({ status: 500 }), reply)
    expect(await handle(callOf())).toBe(reply)
    expect(reply.fallback).toBe(false)
  })

  it('may let the failure stand', async () => {
    const reply = replyOf({ status: 500, body: 'why' })
    const { handle, told } = scene(() => undefined, reply, connection)
    expect(await (await handle(callOf())).text()).toBe('why')
    await expect(handle(callOf())).rejects.toBe(connection)
    expect(told).toEqual([])
  })

  it.each<[string, Fallback]>([
    ['throws', () => { throw new Error('broken') }],
    ['rejects', () => Promise.reject(new Error('broken'))],
    ['gives what is no answer', () => ({ status: 42 })],
    ['gives a field that there is not', () => ({ text: 'x' }) as never],
    ['gives a body that is none', () => ({ body: 7 as never })],
  ])('that %s lets the failure stand, and is told', async (_, answer) => {
    const { handle, broken } = scene(answer, connection)
    await expect(handle(callOf())).rejects.toBe(connection)
    expect(broken).toMatchObject([{ event: 'fallback' }])
  })

  it('gives text, bytes, headers and nothing at all', async () => {
    const { handle } = scene(
      ({ path }) => ({ '/text': { body: 'Ada', headers: { 'X-From': 'cache' } }, '/bytes': { body: new Uint8Array([1, 2]) } })[path] ?? {},
      connection,
      connection,
      connection,
    )
    const text = await handle(callOf({ path: '/text' }))
    expect([text.headers, await text.text()]).toEqual([{ 'x-from': 'cache' }, 'Ada'])
    expect(Buffer.from(await (await handle(callOf({ path: '/bytes' }))).bytes())).toEqual(Buffer.from([1, 2]))
    const empty = await handle(callOf())
    expect([empty.status, await empty.text(), await empty.done]).toEqual([200, '', { error: undefined }])
  })
})
