import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { meshErrorIn } from '../../src/base/errors.js'
import { collectGarbage } from '../support/collect-garbage.js'
import { blamed, callerOf, FIRST_TRY, rawAnswer, rawInstance } from '../support/network-scene.js'

describe('an answer that is too much', { timeout: 60_000 }, () => {
  const CAP = 1024 * 1024
  const CAPPED = { ...FIRST_TRY, transport: { maxResponseBytes: CAP } }

  const failure = async (promise: Promise<unknown>): Promise<string> => {
    const error = meshErrorIn(await promise.then(() => undefined, (e: unknown) => e))
    return `${error?.code} ${error?.processed}`
  }

  /** Bytes that this process holds besides what a collection of garbage would free. */
  const held = async (): Promise<number> => {
    await collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  /** Sends pieces without end, as fast as they are taken, and tells how often. */
  const endless = (head: string, piece: string): Promise<number> =>
    rawInstance((socket) => {
      const send = (): void => {
        while (!socket.destroyed && socket.write(piece)) continue
      }
      socket.on('drain', send)
      socket.once('data', () => {
        socket.write(head)
        send()
      })
    })

  it.each([
    ['a body of 1 GiB', `HTTP/1.1 200 OK\r\ncontent-length: ${2 ** 30}\r\n\r\n`, 'x'.repeat(16_384)],
    ['a body without end', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `4000\r\n${'x'.repeat(16_384)}\r\n`],
    ['a body without end in chunks of one byte', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n'.repeat(2_000)],
  ])('N27 %s is given up at the cap, and costs no more memory than twice that', async (_, head, piece) => {
    // A megabyte of single bytes is half a million events.
    const maxResponseBytes = piece.startsWith('1') ? CAP / 8 : CAP
    const mesh = await callerOf([await endless(head, piece)], { ...FIRST_TRY, transport: { maxResponseBytes } })
    const before = await held()
    const replies = await Promise.all(['text', 'json', 'bytes'].map(async (how) => ({ how, reply: await mesh.service('users').get('/') })))
    const unread = await held()
    for (const { how, reply } of replies) {
      expect(await failure((reply[how as 'text'] as () => Promise<unknown>).call(reply))).toBe('MESH_ERR_TOO_LARGE yes')
    }
    const after = await held()
    expect(unread - before).toBeLessThan(3 * 2 * CAP)
    expect(after - before).toBeLessThan(2 * CAP)
    // It is not the instance's fault that somebody wanted it whole.
    expect(blamed(mesh)).toEqual([])
  })

  it('N27 a body over the cap can be read as a stream', async () => {
    const port = await rawAnswer(`HTTP/1.1 200 OK\r\ncontent-length: ${3 * CAP}\r\n\r\n${'x'.repeat(3 * CAP)}`)
    const mesh = await callerOf([port], CAPPED)
    let bytes = 0
    for await (const chunk of (await mesh.service('users').get('/')).body) bytes += (chunk as Buffer).length
    expect(bytes).toBe(3 * CAP)
    const fetched = await mesh.fetch('http://users/')
    expect((await fetched.arrayBuffer()).byteLength).toBe(3 * CAP)
  })

  it('N27 a decompression bomb stays packed', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * CAP))
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`
    const port = await rawInstance((socket) => socket.on('data', () => void (socket.write(head), socket.write(bomb))))
    const mesh = await callerOf([port], CAPPED)
    const before = await held()
    const reply = await mesh.service('users').get('/')
    expect(await reply.bytes()).toHaveLength(bomb.length)
    expect((await held()) - before).toBeLessThan(2 * CAP)
  })

  it.each([
    ['interim answers', '', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(10)],
    ['header fields', 'HTTP/1.1 200 OK\r\n', 'x: y\r\n'.repeat(100)],
    ['one header field', 'HTTP/1.1 200 OK\r\nx: ', 'y'.repeat(1000)],
    ['the reason of a status line', 'HTTP/1.1 200 O', 'K'.repeat(1000)],
  ])('N27 %s without end are an error, and cost no memory', async (_, head, piece) => {
    const mesh = await callerOf([await endless(head, piece)], { ...CAPPED, attemptTimeoutMs: 2_000 })
    const before = await held()
    expect(await failure(mesh.service('users').get('/'))).toMatch(/^MESH_ERR_(?:RESPONSE|ATTEMPT_TIMEOUT) maybe$/)
    expect((await held()) - before).toBeLessThan(2 * CAP)
  })

  it('N27 trailer fields without end are an error', async () => {
    const mesh = await callerOf([await endless('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n', 'x: y\r\n'.repeat(100))], CAPPED)
    const reply = await mesh.service('users').get('/')
    expect(await failure(reply.text())).toBe('MESH_ERR_RESPONSE yes')
  })
})
