import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { meshErrorIn } from '../../src/base/errors.js'
import { createHttpClient, type HttpClient } from '../../src/base/http.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown

async function listen(handle: Handle): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A server that answers every connection with these raw bytes and leaves it open. */
async function listenRaw(bytes: string): Promise<string> {
  const server = createTcpServer((socket) => {
    closers.push(() => socket.destroy())
    socket.on('error', () => {}).once('data', () => socket.write(bytes))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function open(): HttpClient {
  const client = createHttpClient()
  closers.push(() => client.close())
  return client
}

describe('the http client for errands', () => {
  it('sends method, query, headers and body, and brings back status, headers and body', async () => {
    const { url } = await listen(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      response.writeHead(418, { 'x-echo': `${request.method} ${request.url} ${request.headers['x-a']} ${body}` }).end('tea')
    })
    const answer = await open().request({ method: 'PUT', url: `${url}/p?q=1`, headers: { 'x-a': 'b' }, body: 'hello', timeoutMs: 5_000 })
    expect(answer).toMatchObject({ status: 418, headers: { 'x-echo': 'PUT /p?q=1 b hello' }, body: 'tea' })
  })

  it('does not follow a redirect', async () => {
    let followed = false
    const target = await listen((_, response) => {
      followed = true
      response.end()
    })
    const { url } = await listen((_, response) => void response.writeHead(307, { location: target.url }).end())
    expect((await open().request({ url, timeoutMs: 5_000 })).status).toBe(307)
    expect(followed).toBe(false)
  })

  it('gives up at the deadline when no header comes', async () => {
    const { url } = await listen(() => {})
    await expect(open().request({ url, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'MESH_ERR_HTTP',
      message: `GET ${url}/ failed: no whole answer within 50 ms`,
    })
  })

  it('gives up at the deadline when the body drips without end', async () => {
    const url = await listenRaw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc')
    await expect(open().request({ url, timeoutMs: 50 })).rejects.toThrow('no whole answer within 50 ms')
  })

  it('refuses a body over the limit and hangs up on it', async () => {
    let hungUp!: () => void
    const gone = new Promise<void>((resolve) => (hungUp = resolve))
    const { url } = await listen((_, response) => {
      response.on('close', hungUp)
      const write = (): void => void response.write('x'.repeat(65_536), (error) => error ?? write())
      write()
    })
    await expect(open().request({ url, timeoutMs: 5_000, maxBytes: 200_000 })).rejects.toThrow('the body is over 200000 bytes')
    await gone
  })

  it('names a refused connection', async () => {
    const { server, url } = await listen(() => {})
    server.close()
    await once(server, 'close')
    await expect(open().request({ url, timeoutMs: 5_000 })).rejects.toThrow(/failed: .*ECONNREFUSED/)
  })

  it('names a refused connection to a host with several addresses', async () => {
    const { server, url } = await listen(() => {})
    server.close()
    await once(server, 'close')
    await expect(open().request({ url: url.replace('127.0.0.1', 'localhost'), timeoutMs: 5_000 })).rejects.toThrow(/failed: .*ECONNREFUSED/)
  })

  it('fails on what is not HTTP, and on a body cut short', async () => {
    await expect(open().request({ url: await listenRaw('220 smtp ready\r\n'), timeoutMs: 5_000 })).rejects.toThrow('failed: ')
    const { url } = await listen((_, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('abc', () => response.destroy())
    })
    await expect(open().request({ url, timeoutMs: 5_000 })).rejects.toThrow(/failed: .+/)
  })

  it('keeps the query and the user of a URL out of its errors', async () => {
    const { url } = await listen((_, response) => void response.destroy())
    const secret = url.replace('://', '://joe:hunter2@') + '/path?token=hunter2'
    const error = await open().request({ url: secret, timeoutMs: 5_000 }).catch((e: unknown) => e)
    expect(meshErrorIn(error, 'MESH_ERR_HTTP')?.message).toContain(`${url}/path`)
    expect(String(error)).not.toContain('hunter2')
    await expect(open().request({ url: 'no url', timeoutMs: 5_000 })).rejects.toMatchObject({ code: 'MESH_ERR_HTTP' })
  })

  it('ends with the reason of the caller who gives up, before and during the exchange', async () => {
    const { server, url } = await listen(() => {})
    const aborter = new AbortController()
    const pending = open().request({ url, timeoutMs: 60_000, signal: aborter.signal })
    await once(server, 'request')
    aborter.abort(new Error('enough'))
    await expect(pending).rejects.toThrow('failed: enough')
    await expect(open().request({ url, timeoutMs: 60_000, signal: aborter.signal })).rejects.toThrow('failed: enough')
  })

  it('fails what is under way when it is closed, and takes nothing new', async () => {
    const { server, url } = await listen(() => {})
    const client = createHttpClient()
    const pending = client.request({ url, timeoutMs: 60_000 })
    pending.catch(() => {})
    await once(server, 'request')
    await client.close()
    await client.close()
    await expect(pending).rejects.toMatchObject({ code: 'MESH_ERR_HTTP' })
    await expect(client.request({ url: 'http://127.0.0.1:9', timeoutMs: 60_000 })).rejects.toThrow('the client is closed')
  })

  it.each([
    ['a long poll that is pending', 'answers nothing'],
    ['a long poll that is pending on a connection used before', 'answers first'],
    ['a TLS handshake that is never answered', 'connects only'],
  ])('lets a process end by itself with %s', async (_, kind) => {
    let requests = 0
    const { url } = await listen((_request, response) => {
      if (kind === 'answers first' && requests++ === 0) response.end('first')
    })
    const script = `
      import { createHttpClient } from './src/base/http.ts'
      const client = createHttpClient()
      const first = client.request({ url: process.argv[1], timeoutMs: 60_000 }).catch(() => {})
      if (${kind === 'answers first'}) {
        const hold = setInterval(() => {}, 1_000)
        await first
        // So that undici has seen the connection idle.
        await new Promise((resolve) => setTimeout(resolve, 100))
        clearInterval(hold)
        client.request({ url: process.argv[1], timeoutMs: 60_000 }).catch(() => {})
      }
      // Time for the connection to be made; then whatever still keeps the process alive meets a timer that does not.
      setTimeout(() => setTimeout(() => process.exit(3), 2_000).unref(), 300)
    `
    const target = kind === 'connects only' ? (await listenRaw('')).replace('http:', 'https:') : url
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, target], {
      stdio: 'inherit',
      cwd: new URL('../..', import.meta.url),
    })
    closers.push(() => child.kill('SIGKILL'))
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
  })
})
