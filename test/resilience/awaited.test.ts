import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { awaited } from '../../src/resilience/awaited.js'
import { FakeClock, settled } from '../support/fake-clock.js'

const REPLY: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }
const gone = new MeshError('MESH_ERR_ABORTED', 'gone')

/** A request within the application, until `answer` is called. */
async function request(deadlineAt = Infinity) {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const cancellation = new Cancellation()
  let inside: Inbound | undefined
  let answer!: () => void
  const handle = awaited({ clock, wheel })((inbound) => {
    inside = inbound
    return new Promise((resolve) => (answer = () => resolve(REPLY)))
  })
  const answered = handle({ cancellation, deadlineAt } as Inbound)
  await settled()
  return { clock, wheel, cancellation, answered, answer: () => answer(), signal: () => inside!.signal() }
}

describe('an awaited request', () => {
  it('is told by its signal that the caller has hung up, and why', async () => {
    const { cancellation, signal } = await request()
    const aborted = signal()
    expect(aborted.aborted).toBe(false)
    cancellation.cancel(gone)
    expect(aborted.reason).toBe(gone)
    expect(signal()).toBe(aborted)
  })

  it('is told so too when it asks only afterwards', async () => {
    const { cancellation, signal } = await request()
    cancellation.cancel(gone)
    expect(signal()).toMatchObject({ aborted: true, reason: gone })
  })

  it('is told when the time that the caller gave is over', async () => {
    const { clock, signal, answer, answered } = await request(200)
    const aborted = signal()
    await clock.advance(199)
    expect(aborted.aborted).toBe(false)
    await clock.advance(11)
    expect(aborted.reason).toMatchObject({ code: 'MESH_ERR_DEADLINE' })
    answer()
    expect(await answered).toBe(REPLY)
  })

  it('is not aborted any more once it was answered, and leaves no timer', async () => {
    const { clock, wheel, cancellation, signal, answer, answered } = await request(200)
    const asked = signal()
    answer()
    await answered
    expect(wheel.size).toBe(0)
    cancellation.cancel(gone)
    await clock.advance(1_000)
    expect(asked.aborted).toBe(false)
  })

  it('costs no timer while nobody asks for its signal', async () => {
    const { wheel } = await request(200)
    expect(wheel.size).toBe(0)
  })

  it('does not reach the application when its time has passed while it waited', async () => {
    const clock = new FakeClock()
    await clock.advance(300)
    const handle = awaited({ clock, wheel: new TimerWheel(clock) })(() => Promise.reject(new Error('the application was reached')))
    const late = { cancellation: new Cancellation(), deadlineAt: 300 } as Inbound
    await expect(handle(late)).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', status: 504, processed: 'no' })
  })

  it('does not reach the application when its caller has hung up while it waited', async () => {
    const clock = new FakeClock()
    const handle = awaited({ clock, wheel: new TimerWheel(clock) })(() => Promise.reject(new Error('the application was reached')))
    const cancellation = new Cancellation()
    cancellation.cancel(gone)
    expect(await handle({ cancellation, deadlineAt: Infinity } as Inbound)).toEqual({ status: 499, route: undefined, aborted: true, answer: undefined })
  })
})
