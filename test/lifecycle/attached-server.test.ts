import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AttachedServer } from '../../src/lifecycle/attached-server.js'

interface Scene {
  readonly server: Server
  readonly attached: AttachedServer
  /** Over one connection that is kept alive for as long as both ends like. */
  ask(options?: { readonly method?: string; readonly body?: string }): Promise<IncomingMessage>
}

async function sceneOf(listener: RequestListener): Promise<Scene> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    server,
    attached: new AttachedServer(server),
    async ask({ method = 'GET', body = '' } = {}) {
      const sending = request({ host: '127.0.0.1', port, agent, method }).end(body)
      const [response] = (await once(sending, 'response')) as [IncomingMessage]
      return response
    },
  }
}

/** Requests that wait to be answered by hand. */
function byHand(): { readonly listener: RequestListener; next(): Promise<ServerResponse> } {
  const arrived: ServerResponse[] = []
  const waiting: ((response: ServerResponse) => void)[] = []
  return {
    listener(_, response) {
      const wait = waiting.shift()
      if (wait === undefined) arrived.push(response)
      else wait(response)
    },
    next: async () => arrived.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  }
}

describe('attached server', () => {
  it('is the last to give up an idle connection, and says so', async () => {
    const { server, ask } = await sceneOf((_, response) => response.end())
    expect(server.keepAliveTimeout).toBe(10_000)
    expect((await ask()).headers['keep-alive']).toBe('timeout=10')
  })

  it.each([[undefined, 10_000], [60_000, 10_000], [500, 500]])('L12 looks for clients that never finish a request every 10 s, or as often as asked: %j', (given, expected) => {
    const server = createServer({ ...(given !== undefined && { connectionsCheckingInterval: given }) })
    new AttachedServer(server)
    expect((server as { connectionsCheckingInterval?: number }).connectionsCheckingInterval).toBe(expected)
  })

  it('L12 closes a client that never finishes its request, when attached before it listens', async () => {
    const server = createServer({ headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 50 })
    new AttachedServer(server.listen(0, '127.0.0.1'))
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nhost: users\r\n')
    const [answer] = (await once(socket.setEncoding('latin1'), 'data')) as [string]
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    await once(socket, 'close')
  })

  it.each([65_000, 0])('leaves a keep-alive time of %i ms as it is: it is longer', (keepAliveTimeout) => {
    const server = createServer({ keepAliveTimeout })
    new AttachedServer(server)
    expect(server.keepAliveTimeout).toBe(keepAliveTimeout)
  })

  it('says nothing until it leaves; then every answer is the last on its connection and sends the caller elsewhere', async () => {
    const { attached, ask } = await sceneOf((_, response) => response.end())
    const before = await ask()
    expect([before.headers.connection, before.headers['mesh-draining']]).toEqual(['keep-alive', undefined])
    await text(before)
    attached.leave()
    for (const method of ['GET', 'POST']) {
      const after = await ask({ method, body: 'x' })
      expect([after.statusCode, after.headers.connection, after.headers['mesh-draining']]).toEqual([200, 'close', '1'])
      await text(after)
    }
  })

  it('says it with an answer that is still to be given to a request that came before', async () => {
    const hand = byHand()
    const { attached, ask } = await sceneOf(hand.listener)
    const asked = ask()
    const response = await hand.next()
    attached.leave()
    response.end('late')
    const answer = await asked
    expect([answer.headers.connection, await text(answer)]).toEqual(['close', 'late'])
  })

  it('lets an answer that has begun end, and leaves its connection to the next one', async () => {
    const hand = byHand()
    const { attached, ask } = await sceneOf(hand.listener)
    const asked = ask()
    const response = await hand.next()
    const { socket } = response
    response.write('first, ')
    const answer = await asked
    attached.leave()
    response.end('last')
    expect(await text(answer)).toBe('first, last')
    const again = ask({ method: 'POST' })
    const next = await hand.next()
    expect(next.socket).toBe(socket)
    next.end()
    expect((await again).headers.connection).toBe('close')
  })

  it('stops when the last answer has ended: idle connections are closed, one that had begun before the goodbye too', async () => {
    const hand = byHand()
    const { server, attached, ask } = await sceneOf(hand.listener)
    const asked = ask()
    const response = await hand.next()
    response.write('first, ')
    const answer = await asked
    attached.leave()
    const stopped = attached.stop().then(() => 'stopped')
    const gaveUp = once(response.socket!, 'timeout').then(() => 'the server waited until it gave up an idle connection')
    response.end('last')
    expect(await text(answer)).toBe('first, last')
    expect(await Promise.race([stopped, gaveUp])).toBe('stopped')
    expect(server.listening).toBe(false)
  })

  it('D04 lets a request end that is under way when it stops', async () => {
    const hand = byHand()
    const { attached, ask } = await sceneOf(hand.listener)
    const asked = ask({ method: 'POST', body: 'work' })
    const response = await hand.next()
    attached.leave()
    let stopped = false
    const stopping = attached.stop().then(() => (stopped = true))
    await expect(fetch(`http://127.0.0.1:${response.req.socket.localPort}`)).rejects.toThrow('fetch failed')
    expect(stopped).toBe(false)
    response.end('done')
    expect(await text(await asked)).toBe('done')
    await stopping
  })

  it('cuts what does not end', async () => {
    const hand = byHand()
    const { attached, ask } = await sceneOf(hand.listener)
    const asked = expect(ask()).rejects.toThrow('socket hang up')
    await hand.next()
    const stopped = attached.stop()
    attached.cut()
    await Promise.all([asked, stopped])
  })

  it('stops at once when it was closed before or never listened', async () => {
    await new AttachedServer(createServer()).stop()
  })
})
