import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import type { Call } from '../../src/call/call.js'
import type { Reply } from '../../src/call/reply.js'
import { deadline, inheritedTimeoutMs } from '../../src/resilience/deadline.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, openReply, replyOf, scripted, silence, type Step } from '../support/scripted.js'

function timed(...steps: Step<Call>[]) {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const last = scripted(...steps)
  return { clock, wheel, seen: last.seen, handle: deadline({ wheel })(last.handle) }
}

describe('deadline', () => {
  it('cancels the call when its time is over, and fails it with what the stages below say', async () => {
    const { clock, handle } = timed(silence)
    const call = callOf({ timeoutMs: 800 })
    const failing = handle(call)
    const caught = expect(failing).rejects.toMatchObject({
      code: 'MESH_ERR_DEADLINE', service: 'users', processed: 'maybe',
      message: 'users: GET was not done within its timeoutMs of 800',
    })
    await clock.advance(799)
    expect(call.cancellation.reason).toBeUndefined()
    await clock.advance(11)
    expect(call.cancellation.reason).toMatchObject({ code: 'MESH_ERR_DEADLINE' })
    await caught
  })

  it('lets a stage below say it better', async () => {
    const better = new MeshError('MESH_ERR_NOT_READY', 'registry')
    const { clock, handle } = timed((call) => silence(call).catch(() => Promise.reject(better)))
    const failing = handle(callOf({ timeoutMs: 50 }))
    const caught = expect(failing).rejects.toBe(better)
    await clock.advance(100)
    await caught
  })

  it('settles even if nothing below ever does, and drops a reply that comes afterwards', async () => {
    let answer!: (reply: Reply) => void
    const { clock, wheel, handle } = timed(() => new Promise((resolve) => (answer = resolve)))
    const failing = handle(callOf({ timeoutMs: 100 }))
    const caught = expect(failing).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE' })
    await clock.advance(120)
    await caught
    const late = openReply()
    answer(late.reply)
    await clock.advance(0)
    late.push('x'.repeat(100_000))
    expect(late.abortedWith).toMatchObject({ code: 'MESH_ERR_DEADLINE' })
    expect(wheel.size).toBe(0)
  })

  it('runs on until the body has ended', async () => {
    const open = openReply()
    const { clock, wheel, handle } = timed(open.reply)
    const call = callOf({ timeoutMs: 100 })
    expect(await handle(call)).toBe(open.reply)
    expect(wheel.size).toBe(1)
    await clock.advance(120)
    expect(call.cancellation.reason).toMatchObject({ code: 'MESH_ERR_DEADLINE' })
  })

  it.each<[string, Step<Call>]>([
    ['a whole body', replyOf()],
    ['a failure', new Error('failed')],
  ])('stops its timer after %s', async (_, step) => {
    const { clock, wheel, handle } = timed(step)
    const call = callOf()
    await handle(call).catch(() => {})
    await clock.advance(0)
    expect(wheel.size).toBe(0)
    await clock.advance(5_000)
    expect(call.cancellation.reason).toBeUndefined()
  })

  it('starts no timer when there is no limit', async () => {
    const { wheel, handle } = timed(openReply().reply)
    await handle(callOf({ timeoutMs: Infinity }))
    expect(wheel.size).toBe(0)
  })

  it.each([0, -5])('does not send a call that has %i ms left', async (timeoutMs) => {
    const { wheel, seen, handle } = timed(replyOf())
    await expect(handle(callOf({ timeoutMs }))).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', processed: 'no', attempts: 0 })
    expect(seen).toEqual([])
    expect(wheel.size).toBe(0)
  })
})

describe('inherited time', () => {
  it.each([
    [10_000, 9_985],
    [150, 135],
    [100, 90],
    [5, 4.5],
    [0, 0],
    [-20, -20],
    [Infinity, Infinity],
  ])('of %d ms that the caller still waits a call may take %d', (leftMs, expected) => {
    expect(inheritedTimeoutMs(leftMs)).toBe(expected)
  })
})
