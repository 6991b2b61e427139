import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import { Cancellation } from '../../src/call/cancellation.js'
import { Patience } from '../../src/resilience/patience.js'
import { FakeClock, settled } from '../support/fake-clock.js'

const gone = new MeshError('MESH_ERR_ABORTED', 'gone')

/** Counts who listens. */
class Watched extends Cancellation {
  listeners = 0
  override subscribe(listener: (reason: Error) => void): void {
    this.listeners++
    super.subscribe(listener)
  }
  override unsubscribe(listener: (reason: Error) => void): void {
    this.listeners--
    super.unsubscribe(listener)
  }
}

/** A request within the application, until `answer` or `fail` is called. */
function request(deadlineAt = Infinity, within: (patience: Patience) => void = () => {}) {
  const clock = new FakeClock()
  const wheel = new TimerWheel(clock)
  const cancellation = new Watched()
  const patience = new Patience({ cancellation, deadlineAt }, { clock, wheel })
  within(patience)
  let answer!: () => void
  let fail!: (error: Error) => void
  patience.endWith(new Promise<void>((resolve, reject) => ([answer, fail] = [resolve, reject])))
  return { clock, wheel, cancellation, patience, answer, fail }
}

describe("the caller's patience", () => {
  it('ends when the caller hangs up, and says why', () => {
    const { cancellation, patience } = request()
    const { signal } = patience
    expect(signal.aborted).toBe(false)
    cancellation.cancel(gone)
    expect(signal.reason).toBe(gone)
    expect(patience.signal).toBe(signal)
  })

  it('is known to have ended too by who asks only afterwards', () => {
    const { cancellation, patience, wheel } = request(200)
    cancellation.cancel(gone)
    expect(patience.signal).toMatchObject({ aborted: true, reason: gone })
    expect(wheel.size).toBe(0)
  })

  it('ends when the time that the caller gave is over', async () => {
    const { clock, patience } = request(200)
    const { signal } = patience
    await clock.advance(199)
    expect(signal.aborted).toBe(false)
    await clock.advance(11)
    expect(signal.reason).toMatchObject({ code: 'MESH_ERR_DEADLINE' })
  })

  it.each(['answer', 'fail'] as const)('does not matter any more after the request has ended (%s), and leaves no timer and no listener', async (end) => {
    const { clock, wheel, cancellation, patience, ...ends } = request(200)
    const { signal } = patience
    ends[end](new Error('the application failed'))
    await settled()
    expect([wheel.size, cancellation.listeners]).toEqual([0, 0])
    cancellation.cancel(gone)
    await clock.advance(1_000)
    expect(signal.aborted).toBe(false)
  })

  it('leaves nothing either when it is asked about at the very beginning, or after the answer', async () => {
    const early = request(200, ({ signal }) => expect(signal.aborted).toBe(false))
    const late = request(200)
    early.answer()
    late.answer()
    await settled()
    expect(late.patience.signal.aborted).toBe(false)
    await settled()
    for (const { wheel, cancellation } of [early, late]) expect([wheel.size, cancellation.listeners]).toEqual([0, 0])
  })

  it('costs no timer and no listener while nobody asks', () => {
    const { wheel, cancellation } = request(200)
    expect([wheel.size, cancellation.listeners]).toEqual([0, 0])
  })
})
