import { createServer, type Server, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { Pool, type buildConnector } from 'undici'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Attempt } from '../../src/call/call.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import { outcomeOf } from '../../src/call/outcome.js'
import { MeshError } from '../../src/base/errors.js'
import { eventually } from '../support/eventually.js'
import { attemptOf, callOf } from '../support/scripted.js'
import { createTransport, transportDefaults, type Transport } from '../../src/transport/transport.js'

const closers: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function endpointAt(port: number): Endpoint {
  return { id: `i-${port}`, host: '127.0.0.1', port, weight: 1, status: 'ready', zone: undefined, region: undefined, priority: 0, metadata: {} }
}

function attemptAt(endpoint: Endpoint, call: Partial<Attempt['call']> = {}): Attempt {
  return attemptOf(callOf({ path: '/', ...call }), endpoint)
}

function transportTo(port: number): { transport: Transport; endpoint: Endpoint } {
  const endpoint = endpointAt(port)
  const transport = createTransport(endpoint, transportDefaults)
  closers.push(() => transport.close())
  return { transport, endpoint }
}

async function httpServer(listener: RequestListener): Promise<number> {
  const server: Server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function rawServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A port at which nothing listens. */
async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function failureOf(promise: Promise<unknown>): Promise<MeshError> {
  const error: unknown = await promise.then(() => undefined, (e: unknown) => e)
  expect(error).toBeInstanceOf(MeshError)
  return error as MeshError
}

describe('transport', () => {
  it('brings status, headers and body, and keeps repeated fields apart', async () => {
    const port = await httpServer((req, res) => {
      res.setHeader('set-cookie', ['a=1', 'b=2'])
      res.end(JSON.stringify({ url: req.url, host: req.headers.host }))
    })
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint, { path: '/x?y=1' }))
    expect(reply.status).toBe(200)
    expect(reply.headers['set-cookie']).toEqual(['a=1', 'b=2'])
    expect(await reply.json()).toEqual({ url: '/x?y=1', host: 'users' })
    expect(await reply.done).toEqual({ error: undefined })
  })

  it('N01 says of a refused connection that the request never left', async () => {
    const { transport, endpoint } = transportTo(await freePort())
    const error = await failureOf(transport.handle(attemptAt(endpoint)))
    expect(error).toMatchObject({ code: 'MESH_ERR_CONNECT', processed: 'no', service: 'users', endpoint: endpoint.id, attempts: 1 })
    expect(error.message).toContain('ECONNREFUSED')
  })

  it('N09 says of a connection closed before the answer that the request may have been processed', async () => {
    const port = await rawServer((socket) => socket.once('data', () => socket.destroy()))
    const { transport, endpoint } = transportTo(port)
    const error = await failureOf(transport.handle(attemptAt(endpoint)))
    expect(error).toMatchObject({ code: 'MESH_ERR_CONNECTION', processed: 'maybe' })
  })

  it('N10 N11 never takes a body that was cut short for a whole one', async () => {
    const port = await rawServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort')),
    )
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint))
    const error = await failureOf(reply.text())
    expect(error).toMatchObject({ code: expect.stringMatching(/^MESH_ERR_(CONNECTION|RESPONSE)$/), processed: 'yes' })
    expect((await reply.done).error).toBe(error)
  })

  it('N10 does not take a reset for the end of a body that ends with its connection', async () => {
    let reset!: () => void
    const port = await rawServer((socket) => {
      reset = () => void socket.resetAndDestroy()
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf of it'))
    })
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint))
    const reading = reply.text()
    reset()
    expect(await failureOf(reading)).toMatchObject({ code: 'MESH_ERR_CONNECTION', processed: 'yes' })
  })

  it('N15 says of an answer that is not HTTP that it is bad', async () => {
    const port = await rawServer((socket) => socket.once('data', () => socket.write('SSH-2.0-OpenSSH_9.6\r\n')))
    const { transport, endpoint } = transportTo(port)
    expect(await failureOf(transport.handle(attemptAt(endpoint)))).toMatchObject({ code: 'MESH_ERR_RESPONSE' })
  })

  it('N14 refuses response headers over 16 KiB', async () => {
    const port = await rawServer((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`)),
    )
    const { transport, endpoint } = transportTo(port)
    expect(await failureOf(transport.handle(attemptAt(endpoint)))).toMatchObject({ code: 'MESH_ERR_RESPONSE', processed: 'maybe' })
  })

  it('O04 sends no byte of a request with a line break in it', async () => {
    let connections = 0
    const port = await rawServer(() => connections++)
    const { transport, endpoint } = transportTo(port)
    for (const call of [{ path: '/a\r\nx: y' }, { headers: ['x', 'a\r\nb: c'] }, { headers: ['a\r\nb', 'c'] }, { method: 'GET\r\n' }]) {
      expect(await failureOf(transport.handle(attemptAt(endpoint, call)))).toMatchObject({ code: 'MESH_ERR_REQUEST', processed: 'no' })
    }
    expect(connections).toBe(0)
  })

  it('rejects at once with the reason of the cancellation, before, during and after the answer', async () => {
    const port = await httpServer((req, res) => {
      if (req.url === '/never') return
      res.write('x'.repeat(10))
    })
    const { transport, endpoint } = transportTo(port)
    const reason = new MeshError('MESH_ERR_ABORTED', 'enough')

    const before = new Cancellation()
    before.cancel(reason)
    await expect(transport.handle(attemptAt(endpoint, { cancellation: before }))).rejects.toBe(reason)

    const during = new Cancellation()
    const pending = transport.handle(attemptAt(endpoint, { path: '/never', cancellation: during }))
    setTimeout(() => during.cancel(reason), 20)
    await expect(pending).rejects.toBe(reason)

    const after = new Cancellation()
    const reply = await transport.handle(attemptAt(endpoint, { cancellation: after }))
    const reading = reply.text()
    after.cancel(reason)
    await expect(reading).rejects.toBe(reason)
  })

  it('stops the server of a large body whose reader waits, and gives every byte in the end', async () => {
    const size = 3_000_000
    let sent = 0
    const port = await httpServer((_req, res) => {
      const chunk = Buffer.alloc(50_000, 7)
      const write = (): void => {
        while (sent < size) {
          sent += chunk.length
          if (!res.write(chunk)) return void res.once('drain', write)
        }
        res.end()
      }
      write()
    })
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint))
    let bytes = 0
    for await (const chunk of reply.body) bytes += (chunk as Buffer).length
    expect(bytes).toBe(size)
  })

  it('keeps the connection of a small body that nobody reads', async () => {
    let connections = 0
    const port = await rawServer((socket) => {
      connections++
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'))
    })
    const { transport, endpoint } = transportTo(port)
    for (let i = 0; i < 5; i++) {
      const reply = await transport.handle(attemptAt(endpoint))
      await reply.done
    }
    // undici frees a connection just after it tells of the end, so that a quick next request may open a second one.
    expect(connections).toBeLessThanOrEqual(2)
  })

  it('is the first to give up an idle connection, however long the server says that it keeps it', async () => {
    let heard!: () => void
    const given = new Promise<void>((resolve) => (heard = resolve))
    const port = await rawServer((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nkeep-alive: timeout=600\r\ncontent-length: 2\r\n\r\nok'))
      socket.on('end', heard)
    })
    const endpoint = endpointAt(port)
    const transport = createTransport(endpoint, { ...transportDefaults, keepAliveMs: 50 })
    closers.push(() => transport.close())
    const reply = await transport.handle(attemptAt(endpoint))
    expect(await reply.text()).toBe('ok')
    await given
  })

  it('says that a body can be read once', async () => {
    const port = await httpServer((_req, res) => void res.end('once'))
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint))
    expect(await reply.text()).toBe('once')
    expect(await failureOf(reply.text())).toMatchObject({ code: 'MESH_ERR_BODY_USED' })
  })

  it('names the endpoint when an answer is not JSON', async () => {
    const port = await httpServer((_req, res) => void res.end('<html>'))
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint))
    expect(await failureOf(reply.json())).toMatchObject({ code: 'MESH_ERR_RESPONSE', endpoint: endpoint.id })
  })

  it('passes over 103 Early Hints', async () => {
    const port = await rawServer((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')),
    )
    const { transport, endpoint } = transportTo(port)
    const reply = await transport.handle(attemptAt(endpoint))
    expect([reply.status, await reply.text()]).toEqual([200, 'ok'])
  })
  it('N24 says of a system without ports or descriptors that nothing was sent, and that the endpoint cannot help it', async () => {
    for (const code of ['EADDRNOTAVAIL', 'EMFILE', 'ENFILE', 'ENOBUFS']) {
      const endpoint = endpointAt(1)
      const connect: buildConnector.connector = (_, callback) => callback(Object.assign(new Error(`connect ${code}`), { code }), null)
      const transport = createTransport(endpoint, { ...transportDefaults, createPool: (origin, options) => new Pool(origin, { ...options, connect }) })
      closers.push(() => transport.close())
      const error = await failureOf(transport.handle(attemptAt(endpoint)))
      expect(error).toMatchObject({ code: 'MESH_ERR_NO_SOCKET', processed: 'no', endpoint: endpoint.id, attempts: 1 })
      expect(error.message).toContain(code)
      expect(outcomeOf(error)).toEqual({ kind: 'ignored', processed: 'no' })
    }
  })

  it('N24 says of an attempt whose time is over while it waits for a connection that nothing was sent', async () => {
    const port = await httpServer(() => {})
    const endpoint = endpointAt(port)
    const transport = createTransport(endpoint, { ...transportDefaults, maxConnections: 1 })
    closers.push(() => transport.close())
    const reason = new MeshError('MESH_ERR_ATTEMPT_TIMEOUT', 'too late', { service: 'users', endpoint: endpoint.id, attempts: 1, processed: 'maybe' })
    const [under, waiting] = [new Cancellation(), new Cancellation()]
    const answers = [under, waiting].map((cancellation) => failureOf(transport.handle(attemptAt(endpoint, { cancellation }))))
    waiting.cancel(reason)
    expect(await answers[1]).toMatchObject({ code: 'MESH_ERR_ATTEMPT_TIMEOUT', message: 'too late; nothing was sent: it waited for a connection', processed: 'no', endpoint: endpoint.id, attempts: 1 })
    under.cancel(new MeshError('MESH_ERR_ABORTED', 'enough'))
    await answers[0]
  })

  it('N24 takes one who is given up out of the queue, and the connection goes to the next', async () => {
    const waiting: ServerResponse[] = []
    const port = await httpServer((_req, res) => void waiting.push(res))
    const endpoint = endpointAt(port)
    const transport = createTransport(endpoint, { ...transportDefaults, maxConnections: 1, maxWaiting: 1 })
    closers.push(() => transport.close())
    const first = transport.handle(attemptAt(endpoint))
    const cancellation = new Cancellation()
    const second = transport.handle(attemptAt(endpoint, { cancellation }))
    expect(await failureOf(transport.handle(attemptAt(endpoint)))).toMatchObject({ code: 'MESH_ERR_NO_SOCKET' })
    const reason = new MeshError('MESH_ERR_ABORTED', 'enough')
    cancellation.cancel(reason)
    await expect(second).rejects.toBe(reason)
    const third = transport.handle(attemptAt(endpoint, { path: '/third' }))
    await eventually(() => expect(waiting).toHaveLength(1))
    waiting[0]!.end('first')
    expect(await (await first).text()).toBe('first')
    await eventually(() => expect(waiting).toHaveLength(2))
    waiting[1]!.end('third')
    expect(await (await third).text()).toBe('third')
  })

  it('N24 gives back the connection of whatever fails: a bad request, no answer, half an answer, and one that is given up', async () => {
    const asked: string[] = []
    const port = await httpServer((req, res) => {
      asked.push(req.url!)
      if (req.url === '/cut') req.socket.destroy()
      else if (req.url === '/short') res.writeHead(200, { 'content-length': '9' }).end('short', () => req.socket.destroy())
      else if (req.url !== '/never') res.end('ok')
    })
    const endpoint = endpointAt(port)
    const transport = createTransport(endpoint, { ...transportDefaults, maxConnections: 1, maxWaiting: 0 })
    closers.push(() => transport.close())
    for (let i = 1; i <= 3; i++) {
      await failureOf(transport.handle(attemptAt(endpoint, { path: '/cut' })))
      await failureOf(transport.handle(attemptAt(endpoint, { path: '/short' })).then((reply) => reply.text()))
      expect(await failureOf(transport.handle(attemptAt(endpoint, { path: '/a\r\nb: c' })))).toMatchObject({ code: 'MESH_ERR_REQUEST' })
      const cancellation = new Cancellation()
      const never = transport.handle(attemptAt(endpoint, { path: '/never', cancellation }))
      await vi.waitFor(() => expect(asked).toHaveLength(4 * i - 1), 5_000)
      cancellation.cancel(new MeshError('MESH_ERR_ABORTED', 'enough'))
      await failureOf(never)
      const reply = await transport.handle(attemptAt(endpoint, { path: '/ok' }))
      expect(await reply.text()).toBe('ok')
    }
  })
})
