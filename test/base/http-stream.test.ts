import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { boundedText, createHttpClient, HttpSilence, type HttpClient } from '../../src/base/http.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'

let server: Server
let url = ''
let handle: (request: IncomingMessage, response: ServerResponse) => unknown
let client: HttpClient

beforeEach(async () => {
  server = createServer((request, response) => void handle(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = createHttpClient()
})
afterEach(async () => {
  await client.close()
  server.closeAllConnections()
  server.close()
})

const reader = (chunks: AsyncIterable<Uint8Array>): (() => Promise<string | undefined>) => {
  const iterator = chunks[Symbol.asyncIterator]()
  return async () => {
    const { value, done } = await iterator.next()
    return done === true ? undefined : Buffer.from(value ?? []).toString()
  }
}

describe('a stream over the http client', () => {
  it('brings status and headers at once, and the body as it comes', async () => {
    let response!: ServerResponse
    handle = (request, answer) => {
      response = answer
      answer.writeHead(201, { 'x-echo': request.method! }).write('one')
    }
    const { status, headers, chunks } = await client.stream({ method: 'POST', url, body: '{}', timeoutMs: 5_000, idleMs: 5_000 })
    expect([status, headers['x-echo']]).toEqual([201, 'POST'])
    const next = reader(chunks)
    expect(await next()).toBe('one')
    response.write('two')
    expect(await next()).toBe('two')
    response.end()
    expect(await next()).toBeUndefined()
  })

  it('may last longer than the time for its headers', async () => {
    const clock = new FakeClock()
    const patient = createHttpClient(clock)
    let response!: ServerResponse
    handle = (_, answer) => (response = answer).write('a')
    const next = reader((await patient.stream({ url, timeoutMs: 100, idleMs: 1_000 })).chunks)
    expect(await next()).toBe('a')
    for (const text of ['b', 'c']) {
      const coming = next()
      await clock.advance(900)
      response.write(text)
      expect(await coming).toBe(text)
    }
    await patient.close()
  })

  it('fails when no header comes in time', async () => {
    handle = () => {}
    await expect(client.stream({ url, timeoutMs: 50, idleMs: 5_000 })).rejects.toMatchObject({
      code: 'MESH_ERR_HTTP',
      message: `GET ${url}/ failed: no answer within 50 ms`,
    })
  })

  it('fails when the body falls silent, and hangs up', async () => {
    let closed = false
    handle = (_, response) => response.on('close', () => (closed = true)).write('a')
    const next = reader((await client.stream({ url, timeoutMs: 5_000, idleMs: 50 })).chunks)
    await next()
    await expect(next()).rejects.toMatchObject({
      code: 'MESH_ERR_HTTP',
      message: `GET ${url}/ failed: nothing came for 50 ms`,
      cause: expect.any(HttpSilence),
    })
    await eventually(() => expect(closed).toBe(true))
  })

  it('does not count the time that its reader takes as silence', async () => {
    const clock = new FakeClock()
    const patient = createHttpClient(clock)
    let response!: ServerResponse
    handle = (_, answer) => (response = answer).write('a')
    const next = reader((await patient.stream({ url, timeoutMs: 100, idleMs: 100 })).chunks)
    await next()
    await clock.advance(1_000)
    response.end('b')
    expect(await next()).toBe('b')
    expect(await next()).toBeUndefined()
    expect(clock.pending).toBe(0)
    await patient.close()
  })

  it('fails when the body is cut short', async () => {
    handle = (_, response) => response.write('a', () => response.destroy())
    const { chunks } = await client.stream({ url, timeoutMs: 5_000, idleMs: 5_000 })
    await expect(boundedText(chunks)).rejects.toMatchObject({ code: 'MESH_ERR_HTTP' })
  })

  it('hangs up when its reader leaves, or gives up, and leaves no listener on the signal', async () => {
    let open = 0
    handle = (_, response) => {
      open++
      response.on('close', () => open--).write('a')
    }
    const aborter = new AbortController()
    const removed = vi.spyOn(aborter.signal, 'removeEventListener')
    const left = await client.stream({ url, timeoutMs: 5_000, idleMs: 5_000, signal: aborter.signal })
    for await (const _ of left.chunks) break
    expect(removed).toHaveBeenCalledOnce()
    const next = reader((await client.stream({ url, timeoutMs: 5_000, idleMs: 5_000, signal: aborter.signal })).chunks)
    await next()
    const rest = next()
    aborter.abort(new Error('enough'))
    await expect(rest).rejects.toThrow('failed: enough')
    await eventually(() => expect(open).toBe(0))
    await expect(client.stream({ url, timeoutMs: 5_000, idleMs: 5_000, signal: aborter.signal })).rejects.toThrow('failed: enough')
  })

  it('fails when the client is closed', async () => {
    handle = (_, response) => response.write('a')
    const next = reader((await client.stream({ url, timeoutMs: 5_000, idleMs: 5_000 })).chunks)
    await next()
    const rest = next()
    await Promise.all([expect(rest).rejects.toMatchObject({ code: 'MESH_ERR_HTTP' }), client.close()])
  })

  it('lets a process end by itself while it waits', async () => {
    handle = (_, response) => response.write('a')
    const script = `
      import { createHttpClient } from './src/base/http.ts'
      const hold = setInterval(() => {}, 1_000)
      const { chunks } = await createHttpClient().stream({ url: process.argv[1], timeoutMs: 60_000, idleMs: 60_000 })
      const iterator = chunks[Symbol.asyncIterator]()
      await iterator.next()
      clearInterval(hold)
      void iterator.next()
      setTimeout(() => process.exit(3), 2_000).unref()
    `
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script, url], {
      stdio: 'inherit',
      cwd: new URL('../..', import.meta.url),
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
  })
})

describe('the address from which the http client reaches a server', () => {
  it('is known from the first connection on', async () => {
    handle = (request, response) => response.end(request.socket.remoteAddress)
    expect(client.localAddress(url)).toBeUndefined()
    const { body } = await client.request({ url: `${url}/path`, timeoutMs: 5_000 })
    expect(client.localAddress(`${url}/another`)).toBe(body)
  })
})
