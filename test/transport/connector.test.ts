import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectorWithin } from '../../src/transport/connector.js'
import { FakeClock } from '../support/fake-clock.js'
import { makeTestCa } from '../support/kubernetes-api/test-ca.js'

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return String((server.address() as AddressInfo).port)
}

interface Opened {
  readonly code: string | undefined
}

function open(connector: ReturnType<typeof connectorWithin>, options: { port: string; protocol?: string; allowH2?: boolean }): Promise<Opened> {
  return new Promise((resolve) => {
    connector({ hostname: '127.0.0.1', protocol: 'http:', ...options }, (error, socket) => {
      socket?.destroy()
      resolve({ code: error === null ? undefined : String(Reflect.get(error, 'code')) })
    })
  })
}

describe('a connector', () => {
  it('opens a connection, and leaves no timer', async () => {
    const clock = new FakeClock()
    const port = await listening(createServer((socket) => void socket.end()))
    expect(await open(connectorWithin(250, clock), { port })).toEqual({ code: undefined })
    expect(clock.pending).toBe(0)
  })

  it('tells of a refused connection, and leaves no timer', async () => {
    const clock = new FakeClock()
    const server = createServer()
    const port = await listening(server)
    server.close()
    expect(await open(connectorWithin(250, clock), { port })).toEqual({ code: 'ECONNREFUSED' })
    expect(clock.pending).toBe(0)
  })

  it('N02 gives up when its time is over, not before', async () => {
    const clock = new FakeClock()
    // It accepts, and never begins to speak TLS.
    const port = await listening(createServer((socket) => void onTestFinished(() => void socket.destroy())))
    let isOver = false
    const opening = open(connectorWithin(250, clock), { port, protocol: 'https:' }).finally(() => (isOver = true))
    await clock.advance(249)
    expect(isOver).toBe(false)
    await clock.advance(1)
    expect(await opening).toEqual({ code: 'UND_ERR_CONNECT_TIMEOUT' })
    expect(clock.pending).toBe(0)
  })

  it('offers HTTP/2 to a pool that allows it, and to no other', async () => {
    const { key, cert } = makeTestCa()
    const offered: string[] = []
    const server = createTlsServer({ key, cert, ALPNCallback: ({ protocols }) => void offered.push(protocols.join()) })
    const port = await listening(server)
    const connector = connectorWithin(5_000, new FakeClock())
    for (const allowH2 of [true, false]) await open(connector, { port, protocol: 'https:', allowH2 })
    expect(offered).toEqual(['http/1.1,h2', 'http/1.1'])
  })
})
