import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { linesOf } from '../../src/base/http-lines.js'

async function* inChunks(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function read(text: string, { sizes = [7], maxBytes = 1_000 } = {}): Promise<string[]> {
  const lines: string[] = []
  for await (const line of linesOf(inChunks(Buffer.from(text), sizes), maxBytes)) lines.push(line)
  return lines
}

describe('the lines of a body', () => {
  it('are the same however the body is cut into chunks', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
    const body = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('ü€😀'))).map((lines) => lines.map((line) => line.replaceAll(/[\r\n]/g, '')))
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom('\n', '\r\n'), fc.boolean(), sizes, async (lines, end, ended, sizes) => {
        const text = lines.join(end) + (ended ? end : '')
        expect(await read(text, { sizes, maxBytes: 10_000 })).toEqual(lines.filter((line) => line !== ''))
      }),
    )
  })

  it('may be as long as the limit and no longer, whether or not they end', async () => {
    expect(await read(`${'x'.repeat(100)}\n${'y'.repeat(100)}`, { maxBytes: 100 })).toHaveLength(2)
    await expect(read(`${'x'.repeat(101)}\n`, { maxBytes: 100 })).rejects.toThrow('a line is over 100 bytes')
    await expect(read('x'.repeat(101), { maxBytes: 100 })).rejects.toThrow('a line is over 100 bytes')
    await expect(read('x'.repeat(101), { maxBytes: 100, sizes: [1_000] })).rejects.toThrow('a line is over 100 bytes')
  })

  it('are handed over as soon as they are whole', async () => {
    const lines = linesOf(
      (async function* () {
        yield Buffer.from('a\nb')
        throw new Error('cut')
      })(),
      10,
    )
    expect(await lines.next()).toEqual({ value: 'a', done: false })
    await expect(lines.next()).rejects.toThrow('cut')
  })
})
