import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { plainText, Refusal } from '../../../src/control-plane/http/answer.js'
import { isLoopback } from '../../../src/control-plane/http/guard.js'
import type { Route } from '../../../src/control-plane/http/route.js'
import { openServer, type HttpServer } from '../../../src/control-plane/http/server.js'
import { exchange } from '../running.js'

const routes: readonly Route[] = [
  { methods: ['GET'], path: '/plain', handle: ({ query }) => plainText(`plain ${query.get('q') ?? ''}`) },
  { methods: ['GET'], path: '/things/*', handle: ({ rest }) => plainText(`thing ${rest}`) },
  { methods: ['GET'], path: '/things/own/*', handle: ({ rest }) => plainText(`own ${rest}`) },
  { methods: ['PUT', 'POST'], path: '/echo', handle: async ({ body }) => plainText(await body(1_000)) },
  { methods: ['GET'], path: '/teapot', handle: () => { throw new Refusal(418, 'short and stout') } },
  { methods: ['GET'], path: '/broken', handle: () => { throw new TypeError('oh no') } },
  { methods: ['GET'], path: '/forever', handle: ({ gone }) => once(gone, 'abort').then(() => plainText('')) },
]

async function opened(): Promise<HttpServer> {
  const server = await openServer({ host: '127.0.0.1', port: 0, routes: () => routes })
  onTestFinished(() => server.close())
  return server
}

describe('the server', () => {
  it('finds the exact route first, then the longest open one', async () => {
    const { url } = await opened()
    expect(await exchange(`${url}/plain?q=1`)).toMatchObject({ status: 200, body: 'plain 1' })
    expect(await exchange(`${url}/things/a%2Fb/c`)).toMatchObject({ body: 'thing a/b/c' })
    expect(await exchange(`${url}/things/own/x`)).toMatchObject({ body: 'own x' })
    expect(await exchange(`${url}/plain`, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })

  it.each([
    ['GET', '/nothing', 404, 'nothing is served at /nothing; GET / lists what is'],
    ['DELETE', '/echo', 405, 'method DELETE not allowed; use PUT, POST'],
    ['GET', '/things/%ff', 400, 'the path is not percent-encoded UTF-8'],
    ['GET', '/teapot', 418, 'short and stout'],
    ['GET', '/broken', 500, 'an unexpected error: TypeError: oh no'],
  ])('answers %s %s with a problem of status %d', async (method, path, status, detail) => {
    const { url } = await opened()
    const { headers, body, ...received } = await exchange(url + path, { method })
    expect(received.status).toBe(status)
    expect(headers['content-type']).toBe('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', status, detail })
    if (status === 405) expect(headers['allow']).toBe('PUT, POST')
  })

  it('takes a body up to its limit, packed or not, and refuses more', async () => {
    const { url } = await opened()
    const echo = (body: Buffer, headers: Record<string, string> = {}) => exchange(`${url}/echo`, { method: 'PUT', body, headers })
    const gzip = { 'content-encoding': 'gzip' }
    expect(await echo(Buffer.alloc(1_000, 'a'))).toMatchObject({ status: 200, body: 'a'.repeat(1_000) })
    expect(await echo(Buffer.alloc(1_001, 'a'))).toMatchObject({ status: 413 })
    expect(await echo(gzipSync('b'.repeat(1_000)), gzip)).toMatchObject({ status: 200, body: 'b'.repeat(1_000) })
    expect(await echo(gzipSync('b'.repeat(10_000_000)), gzip)).toMatchObject({ status: 413 })
    expect(await echo(gzipSync('b'.repeat(1_001)), gzip)).toMatchObject({ status: 413 })
    expect(await echo(Buffer.from('not gzip'), gzip)).toMatchObject({ status: 400 })
    expect(await echo(Buffer.from('x'), { 'content-encoding': 'br' })).toMatchObject({ status: 415 })
  })

  it('gets its 413 through to a client that is still sending', async () => {
    const { port } = await opened()
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write(`PUT /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n${'a'.repeat(5_000)}`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i)
  })

  it('outlives a client that goes away in the middle of a body', async () => {
    const { url, port } = await opened()
    const socket = connect(port, '127.0.0.1')
    socket.write('PUT /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\nabc', () => socket.destroy())
    await once(socket, 'close')
    expect(await exchange(`${url}/plain`)).toMatchObject({ status: 200 })
  })

  it('ends at once, waiting clients and idle connections too, and twice is harmless', async () => {
    const server = await opened()
    const idle = connect(server.port, '127.0.0.1')
    await once(idle, 'connect')
    const waiting = exchange(`${server.url}/forever`)
    waiting.catch(() => {})
    await exchange(`${server.url}/plain`)
    await Promise.all([server.close(), server.close()])
    await expect(waiting).rejects.toThrow()
    await server.close()
  })

  it('names a taken port and says what to do', async () => {
    const { port } = await opened()
    const second = openServer({ host: '127.0.0.1', port, routes: () => routes })
    await expect(second).rejects.toMatchObject({
      code: 'MESH_ERR_PORT_TAKEN',
      message: expect.stringMatching(new RegExp(`^port ${port} on 127.0.0.1 is taken: end .* or choose another port$`)),
    })
  })
})

describe('what a browser sends for a page from elsewhere', () => {
  it.each<[string, Record<string, string>]>([
    ['a name that was pointed at this machine', { host: 'evil.example' }],
    ['a name that looks like this machine', { host: '127.0.0.1.evil.example:7117' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this site', { 'sec-fetch-site': 'same-site' }],
  ])('is refused: %s', async (_, headers) => {
    const { url } = await opened()
    expect(await exchange(`${url}/plain`, { headers })).toMatchObject({ status: 403 })
  })

  it.each<Record<string, string>>([
    { host: 'localhost:7117' },
    { host: 'mesh.localhost' },
    { host: '[::1]:7117' },
    { host: '127.0.0.2' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ])('is let in with %j', async (headers) => {
    const { url } = await opened()
    expect(await exchange(`${url}/plain`, { headers })).toMatchObject({ status: 200 })
  })

  it('only names that can mean nothing but this machine are loopback', () => {
    expect(['localhost', '127.0.0.1', '127.1.2.3', '::1', 'a.localhost'].map(isLoopback)).not.toContain(false)
    const others = ['', '0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.evil.example', '127.0.0.1.evil.example']
    expect(others.map(isLoopback)).not.toContain(true)
  })
})
