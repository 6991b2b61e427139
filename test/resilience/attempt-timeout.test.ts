import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import type { Attempt } from '../../src/call/call.js'
import { attemptTimeout } from '../../src/resilience/attempt-timeout.js'
import { FakeClock } from '../support/fake-clock.js'
import { attemptOf, callOf, endpointOf, openReply, scripted, silence, type Step } from '../support/scripted.js'

function timed(...steps: Step<Attempt>[]) {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const last = scripted(...steps)
  return { clock, wheel, seen: last.seen, handle: attemptTimeout({ wheel })(last.handle) }
}

describe('attempt timeout', () => {
  it('gives up an attempt that brings no headers, and leaves the call alive for another', async () => {
    const { clock, wheel, handle } = timed(silence)
    const call = callOf({ attemptTimeoutMs: 200, resends: 1 })
    const failing = expect(handle(attemptOf(call, endpointOf('users-2', { host: '::1', port: 9 })))).rejects.toMatchObject({
      code: 'MESH_ERR_ATTEMPT_TIMEOUT', endpoint: 'users-2', attempts: 2, processed: 'maybe',
      message: 'users: [::1]:9 sent no response headers within attemptTimeoutMs of 200',
    })
    await clock.advance(210)
    await failing
    expect(call.cancellation.reason).toBeUndefined()
    expect(wheel.size).toBe(0)
  })

  it('stops at the headers, whatever the body takes', async () => {
    const open = openReply()
    const { clock, wheel, seen, handle } = timed(open.reply)
    expect(await handle(attemptOf())).toBe(open.reply)
    expect(wheel.size).toBe(0)
    await clock.advance(5_000)
    expect(seen[0]!.cancellation.reason).toBeUndefined()
  })

  it('stops at a failure', async () => {
    const refused = new MeshError('MESH_ERR_CONNECT', 'refused')
    const { wheel, handle } = timed(refused)
    await expect(handle(attemptOf())).rejects.toBe(refused)
    expect(wheel.size).toBe(0)
  })

  it.each(['before', 'after'] as const)('passes a cancellation of the call on %s the headers', async (when) => {
    const { seen, handle } = timed(when === 'before' ? silence : openReply().reply)
    const attempt = attemptOf()
    const reason = new MeshError('MESH_ERR_ABORTED', 'hung up')
    const answering = handle(attempt)
    if (when === 'after') await answering
    attempt.call.cancellation.cancel(reason)
    if (when === 'before') await expect(answering).rejects.toBe(reason)
    expect(seen[0]!.cancellation.reason).toBe(reason)
  })

  it('starts no timer where the deadline of the call comes first', async () => {
    const { wheel, seen, handle } = timed(openReply().reply)
    const attempt = attemptOf(callOf({ timeoutMs: 300, attemptTimeoutMs: 300 }))
    await handle(attempt)
    expect(wheel.size).toBe(0)
    expect(seen[0]).toBe(attempt)
  })
})
