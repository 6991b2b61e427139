import { describe, expect, it } from 'vitest'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { Drain } from '../../src/resilience/drain.js'

const INBOUND = {} as Inbound
const REPLY: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

describe('drain', () => {
  it('lets in until it begins, then finishes what is inside and refuses what comes', async () => {
    const drain = new Drain()
    let finish!: (reply: InboundReply) => void
    const handle = drain.layer(() => new Promise((resolve) => (finish = resolve)))
    const inside = handle(INBOUND)
    expect([drain.draining, drain.inFlight]).toEqual([false, 1])

    drain.begin()
    await expect(handle(INBOUND)).rejects.toMatchObject({ code: 'MESH_ERR_DRAINING', status: 503, processed: 'no' })
    let emptied = false
    const empty = drain.empty().then(() => (emptied = true))
    await Promise.resolve()
    expect([drain.draining, drain.inFlight, emptied]).toEqual([true, 1, false])

    finish(REPLY)
    await expect(inside).resolves.toBe(REPLY)
    await empty
    expect(drain.inFlight).toBe(0)
  })

  it('counts a request out that failed, and is empty at once when nobody is inside', async () => {
    const drain = new Drain()
    await expect(drain.layer(() => Promise.reject(new Error('broken')))(INBOUND)).rejects.toThrow('broken')
    expect(drain.inFlight).toBe(0)
    await drain.empty()
  })
})
