import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Ambient, type RequestContext } from '../../src/call/ambient.js'
import { Chain } from '../../src/call/chain.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Call } from '../../src/call/call.js'
import type { Reply } from '../../src/call/reply.js'
import { inheritedCancellation } from '../../src/resilience/inherited-cancellation.js'
import { settled } from '../support/fake-clock.js'
import { callOf, openReply, replyOf, scripted, silence, type Step } from '../support/scripted.js'

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

const gone = new MeshError('MESH_ERR_ABORTED', 'gone')

function within(...steps: Step<Call>[]) {
  const ambient = new Ambient()
  const cancellation = new Watched()
  const context: RequestContext = { deadlineAt: 1_000, cancellation, traceHeaders: ['traceparent', 'x'], peer: undefined, priority: 'normal', chain: new Chain(false) }
  const last = scripted(...steps)
  const handle = inheritedCancellation({ ambient })(last.handle)
  return { ambient, cancellation, seen: last.seen, handle: (call: Call): Promise<Reply> => ambient.run(context, () => handle(call)), bare: handle, context }
}

describe('inherited cancellation', () => {
  it('gives up the calls of a request whose caller hangs up, and says why', async () => {
    const { handle, cancellation } = within(silence)
    const failing = expect(handle(callOf())).rejects.toMatchObject({
      code: 'MESH_ERR_ABORTED',
      name: 'AbortError',
      service: 'users',
      processed: 'maybe',
      cause: gone,
      message: expect.stringContaining('the caller of the request that makes this call has hung up') as string,
    })
    await settled()
    cancellation.cancel(gone)
    await failing
  })

  it('sends nothing for a caller who is gone already', async () => {
    const { handle, cancellation, seen } = within()
    cancellation.cancel(gone)
    await expect(handle(callOf())).rejects.toMatchObject({ code: 'MESH_ERR_ABORTED', processed: 'no' })
    expect(seen).toEqual([])
  })

  it('reaches the body too', async () => {
    const { handle, cancellation } = within(openReply().reply)
    const call = callOf()
    await handle(call)
    cancellation.cancel(gone)
    expect(call.cancellation.reason).toMatchObject({ code: 'MESH_ERR_ABORTED' })
  })

  it.each<[string, Step<Call>]>([
    ['a whole body', replyOf()],
    ['a failure', new Error('failed')],
  ])('holds on to no call after %s, however long the request lasts', async (_, step) => {
    const { handle, cancellation } = within(...Array.from({ length: 100 }, () => step))
    for (let i = 0; i < 100; i++) await handle(callOf()).catch(() => {})
    await settled()
    expect(cancellation.listeners).toBe(0)
  })

  it('is nothing to a call outside of any request', async () => {
    const { bare } = within(replyOf())
    expect(await bare(callOf())).toBeDefined()
  })

  it('is nothing to a call of detached work, which keeps the trace and who asked', async () => {
    const { bare, ambient, context, cancellation } = within(replyOf())
    await ambient.run(context, () =>
      ambient.runDetached(async () => {
        cancellation.cancel(gone)
        expect(ambient.current).toMatchObject({ deadlineAt: Infinity, traceHeaders: context.traceHeaders, peer: context.peer })
        expect(await bare(callOf())).toBeDefined()
      }),
    )
    expect(ambient.runDetached(() => ambient.current)).toBeUndefined()
  })
})
