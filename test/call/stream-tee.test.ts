import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { StreamTee } from '../../src/call/stream-tee.js'
import { settled } from '../support/fake-clock.js'

/** A stream that gives what it is told to, when it is told to. */
function slowStream() {
  const waiting: ((result: IteratorResult<Uint8Array>) => void)[] = []
  let closed = false
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => new Promise((resolve) => waiting.push(resolve)),
    return: async () => ((closed = true), { done: true, value: undefined }),
  }
  return {
    stream: { [Symbol.asyncIterator]: () => iterator },
    get asked() {
      return waiting.length
    },
    get closed() {
      return closed
    },
    give: (text: string) => waiting.shift()!({ done: false, value: Buffer.from(text) }),
    end: () => waiting.shift()!({ done: true, value: undefined }),
  }
}

async function all(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += Buffer.from(piece).toString()
  return text
}

const pieces = (count: number, bytes: number): Readable => Readable.from(Array.from({ length: count }, (_, i) => Buffer.alloc(bytes, 97 + (i % 26))))

describe('a stream that may be sent again', () => {
  it('is the same each time, up to 64 KiB', async () => {
    const tee = new StreamTee(pieces(64, 1_024))
    const first = await all(tee.reading())
    expect(first).toHaveLength(65_536)
    expect(tee.isWhole).toBe(true)
    expect(await all(tee.reading())).toBe(first)
  })

  it('is sent once, and whole, when it is longer', async () => {
    const tee = new StreamTee(pieces(65, 1_024))
    expect(await all(tee.reading())).toHaveLength(66_560)
    expect(tee.isWhole).toBe(false)
  })

  it('goes on where a reading stopped that was waiting for the next piece', async () => {
    const source = slowStream()
    const tee = new StreamTee(source.stream)
    const given = all(tee.reading())
    await settled()
    source.give('one,')
    await settled()
    const second = all(tee.reading())
    await settled()
    // It was asked once, by the first reading, and the piece comes to the second.
    expect(source.asked).toBe(1)
    source.give('two')
    await settled()
    source.end()
    expect(await second).toBe('one,two')
    expect(await given).toBe('one,')
  })

  it('comes whole to a reading that was begun in time, although it outgrows the limit then', async () => {
    const source = slowStream()
    const tee = new StreamTee(source.stream)
    void all(tee.reading())
    await settled()
    source.give('a'.repeat(60_000))
    await settled()
    const second = tee.reading()
    source.give('b'.repeat(60_000))
    await settled()
    expect(tee.isWhole).toBe(false)
    const text = all(second)
    await settled()
    source.give('c')
    await settled()
    source.end()
    expect(await text).toBe('a'.repeat(60_000) + 'b'.repeat(60_000) + 'c')
  })

  it('is given up when it is released, at once or when nobody reads it any more', async () => {
    const unread = slowStream()
    new StreamTee(unread.stream).release(false)
    expect(unread.closed).toBe(true)

    const stalled = slowStream()
    const stalledTee = new StreamTee(stalled.stream)
    void all(stalledTee.reading())
    await settled()
    stalledTee.release(false)
    expect(stalled.closed).toBe(false)
    stalledTee.release(true)
    expect(stalled.closed).toBe(true)

    const readable = pieces(10, 10)
    const tee = new StreamTee(readable)
    for await (const _ of tee.reading()) break
    expect(readable.destroyed).toBe(false)
    tee.release(false)
    expect(readable.destroyed).toBe(true)
  })

  it('that fails is its owner’s fault, is not sent again, and fails nobody who does not read it', async () => {
    const stream = new Readable({ read() {} })
    const tee = new StreamTee(stream)
    stream.destroy(new Error('disk full'))
    await settled()
    await expect(all(tee.reading())).rejects.toMatchObject({ code: 'MESH_ERR_REQUEST', processed: 'maybe', cause: { message: 'disk full' } })
    expect(tee.isWhole).toBe(false)
  })
})
