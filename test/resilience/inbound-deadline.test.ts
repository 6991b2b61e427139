import { describe, expect, it } from 'vitest'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { inboundDeadline } from '../../src/resilience/inbound-deadline.js'
import { FakeClock } from '../support/fake-clock.js'

const REPLY: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

/** The deadline that the stages below see. */
async function deadlineFor(value: string | undefined): Promise<number> {
  const clock = new FakeClock()
  await clock.advance(1_000)
  let seen = NaN
  const layer = inboundDeadline({ clock })(async ({ deadlineAt }) => ((seen = deadlineAt), REPLY))
  await layer({ header: (name: string) => (name === 'mesh-timeout-ms' ? value : undefined), deadlineAt: Infinity } as Inbound)
  return seen
}

describe('inbound deadline', () => {
  it('counts the time that the caller still waits from the moment of arrival', async () => {
    expect(await deadlineFor('800')).toBe(1_800)
    expect(await deadlineFor(undefined)).toBe(Infinity)
  })

  it.each(['', 'soon', '1.5', '1e3', '0x10', ' 5', '5, 6', '9999999999'])('ignores %j', async (value) => {
    expect(await deadlineFor(value)).toBe(Infinity)
  })

  it.each(['0', '-5'])('L08 refuses a request for which nobody waits any more: %s', async (value) => {
    await expect(deadlineFor(value)).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', status: 504, processed: 'no' })
  })
})
