import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { awaited } from '../../src/resilience/awaited.js'
import { FakeClock } from '../support/fake-clock.js'

const REPLY: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

/** What becomes of a request that has waited so long within the stages above. */
async function after(waitedMs: number, fields: Partial<Inbound>): Promise<InboundReply> {
  const clock = new FakeClock()
  await clock.advance(waitedMs)
  return awaited({ clock })(async () => REPLY)({ cancellation: new Cancellation(), deadlineAt: Infinity, ...fields } as Inbound)
}

describe('a request that has waited', () => {
  it('reaches the application while its caller waits', async () => {
    expect(await after(299, { deadlineAt: 300 })).toBe(REPLY)
    expect(await after(1e9, {})).toBe(REPLY)
  })

  it('L08 does not reach it when its time has passed', async () => {
    await expect(after(300, { deadlineAt: 300 })).rejects.toMatchObject({ code: 'MESH_ERR_DEADLINE', status: 504, processed: 'no' })
  })

  it('does not reach it when its caller has hung up', async () => {
    const cancellation = new Cancellation()
    cancellation.cancel(new MeshError('MESH_ERR_ABORTED', 'gone'))
    expect(await after(0, { cancellation })).toEqual({ status: 499, route: undefined, aborted: true, answer: undefined })
  })
})
