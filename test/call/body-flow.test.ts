import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyFlow, type BodySource } from '../../src/call/body-flow.js'
import { collect } from '../../src/call/collect.js'

class Source implements BodySource {
  paused = false
  aborted: Error | undefined
  pause(): void {
    this.paused = true
  }
  resume(): void {
    this.paused = false
  }
  abort(reason: Error): void {
    this.aborted = reason
  }
}

function flowing(): { source: Source; flow: BodyFlow } {
  const source = new Source()
  return { source, flow: new BodyFlow(source) }
}

describe('body flow', () => {
  it('gives every byte in order, however chunks, pauses and the reader interleave', async () => {
    const step = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => ({ kind: 'push' as const, bytes })),
      fc.constant({ kind: 'resume' as const }),
      fc.constant({ kind: 'attach' as const }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.infiniteStream(fc.boolean()), async (steps, wantsMore) => {
        const { flow } = flowing()
        const taken: Buffer[] = []
        const sent: Buffer[] = []
        let ends = 0
        let attached = false
        const attach = (): void => {
          if (attached) return
          attached = true
          flow.pipe({
            data: (chunk) => (taken.push(chunk), wantsMore.next().value as boolean),
            end: () => ends++,
            fail: () => expect.unreachable(),
          })
        }
        for (const s of steps) {
          if (s.kind === 'push') {
            sent.push(Buffer.from(s.bytes))
            flow.push(Buffer.from(s.bytes))
          } else if (s.kind === 'attach') attach()
          else if (attached) flow.resume()
        }
        flow.end({})
        attach()
        for (let i = 0; i < 40; i++) flow.resume()
        expect(Buffer.concat(taken)).toEqual(Buffer.concat(sent))
        expect(ends).toBe(1)
        expect(await flow.done).toEqual({ error: undefined })
      }),
    )
  })

  it('pauses the connection while more than 64 KiB wait for a reader, and lets it go on when they are taken', async () => {
    const { source, flow } = flowing()
    flow.push(Buffer.alloc(64 * 1024))
    expect(source.paused).toBe(false)
    flow.push(Buffer.alloc(1))
    expect(source.paused).toBe(true)
    const bytes = collect(flow)
    expect(source.paused).toBe(false)
    flow.end({})
    expect((await bytes).length).toBe(64 * 1024 + 1)
  })

  it('throws a short rest away and keeps the connection, but stops a long one', async () => {
    const short = flowing()
    short.flow.drop()
    short.flow.push(Buffer.alloc(1000))
    short.flow.end({})
    expect(short.source.aborted).toBeUndefined()
    expect(await short.flow.done).toEqual({ error: undefined })

    const long = flowing()
    long.flow.drop()
    long.flow.push(Buffer.alloc(70_000))
    expect(long.source.aborted).toMatchObject({ code: 'MESH_ERR_ABORTED' })
  })

  it('tells a late reader of the failure, and `done` never rejects', async () => {
    const { flow } = flowing()
    const error = new Error('cut')
    flow.push(Buffer.from('half'))
    flow.fail(error)
    await expect(collect(flow)).rejects.toBe(error)
    expect(await flow.done).toEqual({ error })
  })

  it('stops the connection when its stream is destroyed before the end, and not after', async () => {
    const cut = flowing()
    cut.flow.stream().destroy()
    await new Promise((resolve) => setImmediate(resolve))
    expect(cut.source.aborted).toBeDefined()

    const whole = flowing()
    const stream = whole.flow.stream()
    whole.flow.push(Buffer.from('all'))
    whole.flow.end({})
    const chunks: Buffer[] = []
    for await (const chunk of stream) chunks.push(chunk as Buffer)
    expect(Buffer.concat(chunks).toString()).toBe('all')
    expect(whole.source.aborted).toBeUndefined()
  })
})
