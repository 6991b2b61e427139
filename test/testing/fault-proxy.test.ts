import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createFaultProxy, seededRandom, type FaultProxy, type FaultProxyOptions, type Faults } from '../../src/testing.js'

interface Target {
  readonly port: number
  /** The server's end of each connection. */
  readonly sockets: readonly Socket[]
}

async function target(onSocket: (socket: Socket) => void = () => {}): Promise<Target> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

function echo(): Promise<Target> {
  return target((socket) => void socket.on('data', (bytes) => socket.write(bytes)))
}

async function proxyTo({ port }: Pick<Target, 'port'>, faults: Faults = {}, options: Partial<FaultProxyOptions> = {}): Promise<FaultProxy> {
  const proxy = await createFaultProxy({ target: { host: '127.0.0.1', port }, faults, ...options })
  onTestFinished(() => proxy.close())
  return proxy
}

interface Client {
  readonly socket: Socket
  /** What has come so far. */
  received(): string
  /** Fulfils when so much has come. */
  has(text: string): Promise<void>
  /** How the connection ended: the code of its error, or `end`. */
  readonly ended: Promise<string>
}

async function client(proxy: FaultProxy): Promise<Client> {
  const socket = connect(proxy.port, proxy.host)
  onTestFinished(() => void socket.destroy())
  let received = ''
  const looks = new Set<() => void>()
  socket.on('data', (bytes) => {
    received += bytes.toString('latin1')
    for (const look of looks) look()
  })
  const ended = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
    socket.on('end', () => resolve('end'))
  })
  await Promise.race([once(socket, 'connect'), ended]).catch(() => {})
  const has = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (received.includes(text) && resolve())
      looks.add(look)
      look()
    })
  return { socket, received: () => received, has, ended }
}

function elapsed(): () => number {
  const startedAt = performance.now()
  return () => performance.now() - startedAt
}

/** A round trip of the poll phase and back: whatever was on the way inside this machine has arrived. */
async function settled(proxy: FaultProxy): Promise<void> {
  const before = proxy.counts.connections
  await client(proxy)
  await proxy.reached({ connections: before + 1 })
}

describe('a fault proxy', () => {
  it('without a fault passes everything on, both ways, and half-closed connections too', async () => {
    const whole = 'x'.repeat(300_000)
    const server = await target((socket) => {
      let heard = ''
      socket.on('data', (bytes) => (heard += String(bytes))).on('end', () => socket.end(heard))
    })
    const proxy = await proxyTo(server)
    const { socket, ended, received } = await client(proxy)
    socket.end(whole)
    expect(await ended).toBe('end')
    expect(received()).toBe(whole)
    expect(proxy.counts).toMatchObject({ connections: 1, toTargetBytes: 300_000, toClientBytes: 300_000, cuts: 0, stalls: 0 })
  })

  it('counts, and tells when a count is reached', async () => {
    const proxy = await proxyTo(await echo())
    const two = proxy.reached({ connections: 2, toClientBytes: 10 })
    const first = await client(proxy)
    first.socket.write('12345')
    await proxy.reached({ toClientBytes: 5 })
    const second = await client(proxy)
    second.socket.write('67890')
    await two
    expect(proxy.counts).toMatchObject({ connections: 2, open: 2, toTargetBytes: 10, toClientBytes: 10 })
  })

  it('shows what comes in to an observer, by direction', async () => {
    const seen: string[] = []
    const proxy = await proxyTo(await echo(), {}, { observe: (direction, chunk) => void seen.push(`${direction} ${chunk.toString()}`) })
    const { socket, has } = await client(proxy)
    socket.write('hello')
    await has('hello')
    expect(seen).toEqual(['toTarget hello', 'toClient hello'])
  })

  it('delays each way by its latency, keeps the order in spite of jitter, and goes by a change at once', async () => {
    const proxy = await proxyTo(await echo(), { latencyMs: 60, jitterMs: 30, toClient: { latencyMs: 0 } })
    const { socket, has, received } = await client(proxy)
    const sinceMs = elapsed()
    for (let i = 0; i < 10; i++) {
      socket.write(`${i}`)
      await proxy.reached({ toTargetBytes: 0 })
    }
    await has('0123456789')
    expect(sinceMs()).toBeGreaterThanOrEqual(59)
    await proxy.set({ latencyMs: 0 })
    socket.write('now')
    await has('now')
    expect(received()).toBe('0123456789now')
  })

  it('passes on no more bytes a second than it is told', async () => {
    const proxy = await proxyTo(await echo(), { toTarget: { bytesPerSec: 10_000 } })
    const { socket, has } = await client(proxy)
    const sinceMs = elapsed()
    socket.write(`${'x'.repeat(3_000)}!`)
    await has('!')
    expect(sinceMs()).toBeGreaterThanOrEqual(280)
  })

  it('passes on one byte after the other when that is all a second has', async () => {
    const proxy = await proxyTo(await echo(), { toTarget: { bytesPerSec: 20 } })
    const { socket } = await client(proxy)
    socket.write('x'.repeat(60_000))
    await proxy.reached({ toTargetBytes: 4 })
    expect(proxy.counts.toTargetBytes).toBeLessThan(10)
  })

  it('stalls a share of the chunks, and what follows them', async () => {
    const proxy = await proxyTo(await echo(), { toTarget: { stallRatio: 0.2, stallMs: 50 } }, { random: seededRandom(7) })
    const { socket, has } = await client(proxy)
    const tookMs: number[] = []
    for (let i = 0; i < 40; i++) {
      const sinceMs = elapsed()
      socket.write(`<${i}>`)
      await has(`<${i}>`)
      tookMs.push(sinceMs())
    }
    const { stalls } = proxy.counts
    expect(stalls).toBeGreaterThan(2)
    expect(stalls).toBeLessThan(25)
    // One that is lost again is late by twice as much.
    expect(tookMs.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(stalls * 49)
  })

  it('flips bits in the share of the bytes that it is told, the same ones with the same seed', async () => {
    const sent = 'a'.repeat(20_000)
    const changed = async (): Promise<string> => {
      const proxy = await proxyTo(await echo(), { toTarget: { corruptRatio: 0.1 } }, { random: seededRandom(3) })
      const { socket, received, ended } = await client(proxy)
      socket.write(sent)
      await proxy.reached({ toClientBytes: sent.length })
      proxy.cut('end')
      await ended
      return received()
    }
    const first = await changed()
    const flips = [...first].filter((letter) => letter !== 'a').length
    expect(first).toHaveLength(sent.length)
    expect(flips / sent.length).toBeCloseTo(0.1, 1)
    expect(await changed()).toBe(first)
  })

  it('silent: accepts, passes nothing on, ends nothing, and hands over what was sent when it is over', async () => {
    const server = await echo()
    const proxy = await proxyTo(server)
    const old = await client(proxy)
    old.socket.write('before')
    await old.has('before')
    await proxy.set({ silent: true })
    old.socket.write('during')
    const fresh = await client(proxy)
    fresh.socket.write('fresh')
    server.sockets[0]!.end()
    await settled(proxy)
    expect([old.received(), fresh.received()]).toEqual(['before', ''])
    expect(proxy.counts.toTargetBytes).toBe(6)
    await proxy.heal()
    await fresh.has('fresh')
    expect(await old.ended).toBe('end')
  })

  it('silent one way: the target gets the request, and the client no answer', async () => {
    const server = await echo()
    const proxy = await proxyTo(server, { toClient: { silent: true } })
    const { socket, received, has } = await client(proxy)
    socket.write('hello')
    await proxy.reached({ toTargetBytes: 5 })
    await settled(proxy)
    expect(received()).toBe('')
    await proxy.heal()
    await has('hello')
  })

  it('swallow: takes everything, the end too, and gives nothing of it back', async () => {
    const server = await echo()
    let left = 5_000_006
    let taken!: () => void
    const all = new Promise<void>((resolve) => (taken = resolve))
    const observe: FaultProxyOptions['observe'] = (direction, chunk) => {
      if (direction === 'toTarget' && (left -= chunk.length) === 0) taken()
    }
    const proxy = await proxyTo(server, {}, { observe })
    const old = await client(proxy)
    old.socket.write('before')
    await old.has('before')
    await proxy.set({ swallow: true })
    server.sockets[0]!.end('during')
    old.socket.write('x'.repeat(5_000_000))
    await all
    await settled(proxy)
    await proxy.heal()
    const fresh = await client(proxy)
    fresh.socket.write('fresh')
    await fresh.has('fresh')
    expect(old.received()).toBe('before')
    expect(proxy.counts).toMatchObject({ open: 3, toTargetBytes: 11 })
  })

  it.each([
    ['reset', 'ECONNRESET'],
    ['end', 'end'],
  ] as const)('cuts every connection at once, by %s, and lets new ones through', async (how, expected) => {
    const proxy = await proxyTo(await echo())
    const { socket, ended, has } = await client(proxy)
    socket.write('hello')
    await has('hello')
    proxy.cut(how)
    expect(await ended).toBe(expected)
    const fresh = await client(proxy)
    fresh.socket.write('hello')
    await fresh.has('hello')
    expect(proxy.counts.cuts).toBe(1)
  })
  it('cuts as soon as a connection is there, as often as it is told', async () => {
    const proxy = await proxyTo(await echo(), { cut: { at: 'connected', times: 2 } })
    expect(await (await client(proxy)).ended).toBe('ECONNRESET')
    expect(await (await client(proxy)).ended).toBe('ECONNRESET')
    const third = await client(proxy)
    third.socket.write('hello')
    await third.has('hello')
  })

  it('cuts a share of the connections', async () => {
    const proxy = await proxyTo(await echo(), { cut: { at: 'before-headers', ratio: 0.5 } })
    const endings = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const { socket, has, ended } = await client(proxy)
        socket.write('hello')
        return Promise.race([ended, has('hello')])
      }),
    )
    expect(endings.filter((ending) => ending === 'ECONNRESET').length).toBe(proxy.counts.cuts)
    expect(proxy.counts.cuts).toBeGreaterThan(3)
    expect(proxy.counts.cuts).toBeLessThan(17)
  })

  it('cuts before the headers of an answer, behind them, and behind so many bytes of either direction', async () => {
    const headers = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n'
    // In pieces, so that the end of the headers lies in two of them.
    const server = await target((socket) => void socket.on('data', () => socket.write(headers.slice(0, -3), () => socket.write(`${headers.slice(-3)}hello`))))
    const proxy = await proxyTo(server)
    const got = async (faults: Faults): Promise<readonly [string, string]> => {
      await proxy.set(faults)
      const { socket, received, ended } = await client(proxy)
      socket.write('GET')
      return [await ended, received()]
    }
    expect(await got({ cut: { at: 'before-headers' } })).toEqual(['ECONNRESET', ''])
    expect(await got({ cut: { at: 'after-headers', how: 'end' } })).toEqual(['end', headers])
    expect(await got({ cut: { at: 'after-headers' } })).toEqual(['ECONNRESET', headers])
    expect(await got({ cut: { at: { toClientBytes: headers.length + 2 } } })).toEqual(['ECONNRESET', `${headers}he`])
    expect(await got({ cut: { at: { toTargetBytes: 2 } } })).toEqual(['ECONNRESET', ''])
    expect(proxy.counts.cuts).toBe(5)
    await expect.poll(() => proxy.counts.open).toBe(0)
  })

  it('cuts a connection that its target has ended meanwhile', async () => {
    const proxy = await proxyTo(await target((socket) => void socket.end('hello')), { cut: { at: { toClientBytes: 2 } } })
    const { ended, received } = await client(proxy)
    expect([await ended, received()]).toEqual(['ECONNRESET', 'he'])
  })

  it('refuses new connections while old ones live, and listens on the same port again', async () => {
    const proxy = await proxyTo(await echo())
    const old = await client(proxy)
    old.socket.write('1')
    await old.has('1')
    const { port } = proxy
    await proxy.set({ refuse: true })
    expect(await (await client(proxy)).ended).toBe('ECONNREFUSED')
    old.socket.write('2')
    await old.has('12')
    await proxy.heal()
    expect(proxy.port).toBe(port)
    const fresh = await client(proxy)
    fresh.socket.write('hello')
    await fresh.has('hello')
  })

  it('resets a client whose target cannot be reached, or resets the connection itself', async () => {
    const server = await target((socket) => void socket.on('data', () => socket.resetAndDestroy()))
    const proxy = await proxyTo(server)
    const { socket, ended } = await client(proxy)
    socket.write('hello')
    expect(await ended).toBe('ECONNRESET')
    const nowhere = await proxyTo(await proxyTo(server, { refuse: true }))
    expect(await (await client(nowhere)).ended).toBe('ECONNRESET')
  })

  it('leaves nothing when it is closed, with bytes on their way and somebody who waits', async () => {
    const proxy = await proxyTo(await echo(), { latencyMs: 60_000 })
    const { socket, ended } = await client(proxy)
    socket.write('hello')
    await proxy.reached({ open: 1 })
    const waiting = expect(proxy.reached({ connections: 2 })).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
    await Promise.all([proxy.close(), proxy.close()])
    await waiting
    expect(await ended).toMatch(/^(?:end|ECONNRESET)$/)
    expect(proxy.counts.open).toBe(0)
    expect(await (await client(proxy)).ended).toBe('ECONNREFUSED')
    await expect(proxy.set({})).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
  })

  it('closes a connection that is cut while its end is on the way', async () => {
    const { port } = await target()
    const proxy = await proxyTo({ port }, { toTarget: { latencyMs: 20 } })
    const { socket } = await client(proxy)
    await proxy.reached({ open: 1 })
    socket.end('hello')
    // In the turn in which the last bytes are passed on, the end is, and is not there yet.
    await proxy.reached({ toTargetBytes: 5 })
    proxy.cut()
    await proxy.close()
    expect(proxy.counts.open).toBe(0)
  })

  const to = { target: { host: '127.0.0.1', port: 1 } }
  it.each([
    [{}, 'target: expected where connections lead, as { host, port }, got undefined'],
    [{ target: { host: '127.0.0.1' } }, 'target.port: expected the port that connections lead to, got undefined'],
    [{ ...to, speed: 1 }, /^speed: unknown option; expected one of target, faults, /],
    [{ ...to, faults: { latencyMs: -1 } }, 'faults.latencyMs: expected a number from 0 to 3600000, got -1'],
    [{ ...to, faults: { toClient: { corruptRatio: 2 } } }, 'faults.toClient.corruptRatio: expected a number from 0 to 1, got 2'],
    [{ ...to, faults: { cut: {} } }, 'faults.cut.at: expected the moment of the cut, got undefined'],
    [{ ...to, faults: { cut: { at: 'soon' } } }, "faults.cut.at: expected one of 'connected', 'before-headers', 'after-headers', got \"soon\""],
    [{ ...to, faults: { cut: { at: { toClientBytes: 1, toTargetBytes: 1 } } } }, /^faults\.cut\.at: expected either toTargetBytes or toClientBytes/],
  ])('refuses %j', async (options, message) => {
    const expected: unknown = typeof message === 'string' ? message : expect.stringMatching(message)
    await expect(createFaultProxy(options as FaultProxyOptions)).rejects.toMatchObject({ code: 'MESH_ERR_OPTION', message: expected })
  })
})
