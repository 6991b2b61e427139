import { describe, expect, it } from 'vitest'
import { blamed, callerOf, disturbed, failuresOf, FIRST_TRY, healthyInstance, KILOBYTE, Ledger, load, rawInstance } from '../support/network-scene.js'

function fourHealthy(ledger = new Ledger()): Promise<number[]> {
  return Promise.all(Array.from({ length: 4 }, () => healthyInstance(ledger)))
}

/** Most calls that a broken instance may have had before it was avoided or out of rotation: five in a row, and those on their way. */
const FELT = 5 + 8

describe('one instance of five that answers badly', () => {
  it('N09 RST before the headers: a GET goes elsewhere, once', async () => {
    const ways = await Promise.all(Array.from({ length: 5 }, async () => disturbed(await healthyInstance())))
    const ports = ways.map(({ port }) => port)
    await ways[0]!.set({ cut: { at: 'before-headers' } })
    const mesh = await callerOf(ports)
    const figures = await load(mesh, { calls: 200 })
    expect(figures.lost).toEqual([])
    expect(figures.maxAttempts).toBe(2)
    expect(figures.extra).toBeLessThanOrEqual(1 + FELT / 200)
    expect(blamed(mesh)).toEqual([`users-${ports[0]}`])
  })

  it('N09 RST before the headers: a POST fails and may have been done, and none is done twice', async () => {
    const ledger = new Ledger()
    const healthy = await fourHealthy(ledger)
    const bad = await disturbed(await healthyInstance(ledger), { cut: { at: 'before-headers' } })
    const figures = await load(await callerOf([bad.port, ...healthy]), { calls: 200, method: 'POST' })
    expect(failuresOf(figures)).toEqual(new Set([`MESH_ERR_CONNECTION maybe users-${bad.port}`]))
    expect(figures.lost.length).toBeLessThanOrEqual(FELT)
    expect(figures.maxAttempts).toBe(1)
    expect(ledger.duplicates).toEqual([])
  })

  it.each([
    ['RST', 'reset'],
    ['FIN', 'end'],
  ] as const)('N10 %s in the middle of a body reaches the application, and no body is short', async (_, how) => {
    const healthy = await fourHealthy()
    const bad = await disturbed(await healthyInstance(), { cut: { at: { toClientBytes: 600 }, how } })
    const mesh = await callerOf([bad.port, ...healthy])
    const figures = await load(mesh, { calls: 200 })
    expect(failuresOf(figures)).toEqual(new Set([`MESH_ERR_CONNECTION yes users-${bad.port}`]))
    expect(figures.lost.length).toBeLessThanOrEqual(FELT)
    expect(figures.extra).toBe(1)
    expect(blamed(mesh)).toEqual([`users-${bad.port}`])
  })

  it.each([
    ['N11 a body that is shorter than its Content-Length', 'HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\nshort', 'MESH_ERR_CONNECTION yes', true],
    ['N12 a bad chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\nzz\r\n', 'MESH_ERR_RESPONSE yes', false],
    ['N12 a chunk that is cut', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\nfour', 'MESH_ERR_CONNECTION yes', true],
    ['N12 a body without its last chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n', 'MESH_ERR_CONNECTION yes', true],
    ['N13 Content-Length and Transfer-Encoding', 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n', 'MESH_ERR_RESPONSE maybe', false],
    ['N13 Transfer-Encoding and Content-Length', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n4\r\nfour\r\n0\r\n\r\n', 'MESH_ERR_RESPONSE maybe', false],
    ['N13 two Content-Lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nfours', 'MESH_ERR_RESPONSE maybe', false],
    ['N14 a header field of 20 KiB', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20 * 1024)}\r\ncontent-length: 4\r\n\r\nfour`, 'MESH_ERR_RESPONSE maybe', false],
    ['N14 header fields of 20 KiB together', `HTTP/1.1 200 OK\r\n${`x: ${'a'.repeat(1000)}\r\n`.repeat(20)}content-length: 4\r\n\r\nfour`, 'MESH_ERR_RESPONSE maybe', false],
    ['N15 the banner of an SSH server', 'SSH-2.0-OpenSSH_9.6\r\n', 'MESH_ERR_RESPONSE maybe', false],
  ])('%s is an error, the instance is blamed, and its connection is not used again', async (_, answer, failure, ends) => {
    const requests: number[] = []
    const bad = await rawInstance((socket) => {
      const connection = requests.push(0) - 1
      socket.on('data', () => {
        requests[connection]!++
        socket.write(answer)
        if (ends) socket.end()
      })
    })
    const mesh = await callerOf([bad, ...(await fourHealthy())], FIRST_TRY)
    const figures = await load(mesh, { calls: 200 })
    expect(failuresOf(figures)).toEqual(new Set([`${failure} users-${bad}`]))
    expect(figures.lost.length).toBeLessThanOrEqual(FELT)
    expect(blamed(mesh)).toEqual([`users-${bad}`])
    expect(requests.every((count) => count <= 1)).toBe(true)
  })
})

describe('an idle connection', () => {
  it.each([
    ['with the answer', 0],
    ['after it', 3],
  ])('N16 an answer that nobody asked for, sent %s, is never given to the next call', async (_, waitMs) => {
    const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    let planted: Promise<void> = Promise.resolve()
    let connections = 0
    const port = await rawInstance((socket) => {
      connections++
      socket.on('data', (bytes) => {
        const own = ok(/^GET (\S+)/.exec(bytes.toString('latin1'))![1]!)
        if (waitMs === 0) return void socket.write(own + ok('planted'))
        socket.write(own)
        planted = new Promise((resolve) => setTimeout(() => socket.write(ok('planted'), () => resolve()), waitMs))
      })
    })
    const mesh = await callerOf([port])
    for (let i = 0; i < 100; i++) {
      const reply = await mesh.service('users').get(`/${i}`)
      expect(await reply.text()).toBe(`/${i}`)
      await planted
    }
    // Each was given up for what it said, or this test would prove nothing.
    expect(connections).toBeGreaterThan(90)
  })

  it('N17 that the server closes after 1 to 6 ms loses no GET, and a POST fails as one that may have been done', async () => {
    const ledger = new Ledger()
    let quick = 0
    const five = await Promise.all(
      Array.from({ length: 5 }, () =>
        rawInstance((socket) => {
          let closing: NodeJS.Timeout | undefined
          let heard = ''
          socket.on('data', (bytes) => {
            clearTimeout(closing)
            heard += bytes.toString('latin1')
            const head = /^(GET|POST) [^]*?\r\n\r\n/.exec(heard)
            if (head === null || (head[1] === 'POST' && heard.length < head[0].length + KILOBYTE.length)) return
            heard = ''
            ledger.add(/x-request-id: (\S+)/.exec(head[0])?.[1])
            socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n${KILOBYTE}`)
            closing = setTimeout(() => socket.end(), 1 + (quick++ % 6))
          })
        }),
      ),
    )
    const mesh = await callerOf(five)
    const pause = (call: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1 + (call % 6)))
    const figures = await load(mesh, { calls: 1_000, method: 'GET and POST', before: pause })
    expect(figures.lost.filter(({ method }) => method === 'GET')).toEqual([])
    expect([...failuresOf(figures)].filter((failure) => !failure.startsWith('MESH_ERR_CONNECTION maybe'))).toEqual([])
    expect(ledger.duplicates.filter((id) => id.startsWith('POST'))).toEqual([])
    expect(figures.extra).toBeLessThan(1.2)
  })
})
