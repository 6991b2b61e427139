import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/call/headers.js'
import { RecentMinimum } from '../../src/resilience/recent-minimum.js'
import { remainingTime } from '../../src/resilience/remaining-time.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, replyOf } from '../support/scripted.js'

async function sentAfter(waitedMs: number, call: Parameters<typeof callOf>[0]): Promise<string | undefined> {
  const clock = new FakeClock()
  let sent: string | undefined
  const handle = remainingTime({ clock, minimum: new RecentMinimum() })(async (passed) => {
    sent = headerValue(passed.headers, 'mesh-timeout-ms')
    return replyOf()
  })
  await clock.advance(waitedMs)
  await handle(callOf({ startedAt: 0, ...call }))
  return sent
}

describe('remaining time', () => {
  it('L08 is what is left of the whole call, not of the attempt', async () => {
    expect(await sentAfter(300, { timeoutMs: 1000 })).toBe('700')
    expect(await sentAfter(300.5, { timeoutMs: 1000 })).toBe('699')
  })

  it('L08 does not send what has no time left, and says that nothing was done', async () => {
    for (const waitedMs of [999.5, 2000]) {
      const refused = sentAfter(waitedMs, { timeoutMs: 1000 })
      await expect(refused).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', processed: 'no', attempts: 0 })
    }
  })

  it('does not say of a later try that nothing was done: the tries before may have been acted on', async () => {
    const refused = sentAfter(2000, { timeoutMs: 1000, resends: 2 })
    await expect(refused).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', processed: 'maybe', attempts: 2 })
  })

  it('takes the place of what the caller wrote', async () => {
    expect(await sentAfter(0, { timeoutMs: 50, headers: ['mesh-timeout-ms', '9999'] })).toBe('50')
  })

  it('is not sent where there is no end', async () => {
    expect(await sentAfter(0, { timeoutMs: Infinity })).toBeUndefined()
  })
})

describe('a call with less time than the fastest answer of late', () => {
  /** A service that answers after `latencyMs`, and a way to call it with `timeoutMs`. */
  function service(latencyMs: number, status = 200) {
    const clock = new FakeClock()
    let sent = 0
    const handle = remainingTime({ clock, minimum: new RecentMinimum() })(async () => {
      sent++
      await clock.advance(latencyMs)
      return replyOf({ status })
    })
    const call = (timeoutMs: number): Promise<unknown> => handle(callOf({ startedAt: clock.now(), timeoutMs }))
    return { clock, call, sent: () => sent }
  }

  it('L08 is not sent, and is told why', async () => {
    const { call, sent } = service(40)
    for (let i = 0; i < 20; i++) await call(1_000)
    await expect(call(39)).rejects.toMatchObject({
      code: 'MESH_ERR_DEADLINE',
      processed: 'no',
      message: 'users: GET was not sent, since 39.0 ms of its time are left and no answer has lately come in under 40.0 ms',
    })
    expect(sent()).toBe(20)
    await call(41)
    expect(sent()).toBe(21)
  })

  it('is sent while too few answers are known', async () => {
    const { call, sent } = service(40)
    for (let i = 0; i < 19; i++) await call(1_000)
    await call(10)
    expect(sent()).toBe(20)
  })

  it('is sent to a service that only fails: how fast it fails says nothing', async () => {
    const { call, sent } = service(40, 503)
    for (let i = 0; i < 30; i++) await call(1_000)
    await call(10)
    expect(sent()).toBe(31)
  })

  it('has no effect on a call without an end', async () => {
    const { call, sent } = service(40)
    for (let i = 0; i < 20; i++) await call(1_000)
    await call(Infinity)
    expect(sent()).toBe(21)
  })
})
