import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyFlow } from '../../src/call/body-flow.js'
import { collect } from '../../src/call/collect.js'

/** A flow whose connection remembers why it was given up. */
function flowOf(): { flow: BodyFlow; abortedWith(): Error | undefined } {
  let reason: Error | undefined
  const flow = new BodyFlow({
    pause: () => {},
    resume: () => {},
    abort: (error) => {
      reason = error
      flow.fail(error)
    },
  })
  return { flow, abortedWith: () => reason }
}

describe('collect', () => {
  it('gives the whole body, in however many chunks of whatever size it came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 900 }), async (chunks) => {
        const { flow } = flowOf()
        const whole = collect(flow)
        for (const chunk of chunks) flow.push(Buffer.from(chunk))
        flow.end({})
        expect(await whole).toEqual(Buffer.concat(chunks))
      }),
      { seed: 1, numRuns: 30 },
    )
  })

  it('N27 gives up a body that is larger than it may be, and not one that is exactly as large', async () => {
    const { flow, abortedWith } = flowOf()
    const whole = collect(flow, 10)
    flow.push(Buffer.from('0123456789'))
    expect(abortedWith()).toBeUndefined()
    flow.push(Buffer.from('x'))
    await expect(whole).rejects.toMatchObject({ code: 'MESH_ERR_TOO_LARGE', processed: 'yes' })
    expect(abortedWith()).toMatchObject({ code: 'MESH_ERR_TOO_LARGE' })

    const exact = flowOf()
    const ten = collect(exact.flow, 10)
    exact.flow.push(Buffer.from('0123456789'))
    exact.flow.end({})
    expect(String(await ten)).toBe('0123456789')
  })

  it('N27 refuses a body that is too large although all of it is there already', async () => {
    const { flow } = flowOf()
    flow.push(Buffer.from('0123456789x'))
    flow.end({})
    await expect(collect(flow, 10)).rejects.toMatchObject({ code: 'MESH_ERR_TOO_LARGE' })
  })

  it('N27 puts small chunks together, so that they hold on to little more than their bytes', async () => {
    const { flow } = flowOf()
    const large = Buffer.alloc(64 * 1024)
    const held = new Set<unknown>()
    const whole = collect(flow)
    // Each byte is a piece of a buffer of its own, as a parser gives it.
    for (let i = 0; i < 2_000; i++) {
      const read = Buffer.from(large)
      held.add(new WeakRef(read))
      flow.push(read.subarray(i, i + 1))
    }
    const { collectGarbage } = await import('../support/collect-garbage.js')
    await collectGarbage()
    const left = [...held].filter((ref) => (ref as WeakRef<Buffer>).deref() !== undefined).length
    flow.end({})
    expect(await whole).toHaveLength(2_000)
    expect(left).toBeLessThan(400)
  })
})
