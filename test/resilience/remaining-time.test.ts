import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/call/headers.js'
import { remainingTime } from '../../src/resilience/remaining-time.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, replyOf } from '../support/scripted.js'

async function sentAfter(waitedMs: number, call: Parameters<typeof callOf>[0]): Promise<string | undefined> {
  const clock = new FakeClock()
  let sent: string | undefined
  const handle = remainingTime({ clock })(async (passed) => {
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

  it('is never below nothing', async () => {
    expect(await sentAfter(2000, { timeoutMs: 1000 })).toBe('0')
  })

  it('takes the place of what the caller wrote', async () => {
    expect(await sentAfter(0, { timeoutMs: 50, headers: ['mesh-timeout-ms', '9999'] })).toBe('50')
  })

  it('is not sent where there is no end', async () => {
    expect(await sentAfter(0, { timeoutMs: Infinity })).toBeUndefined()
  })
})
