import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decodeJwt } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { meshErrorIn } from '../src/base/errors.js'
import { createControlPlane } from '../src/control-plane/control-plane.js'
import { createMesh, fixed, type Mesh, type MeshOptions } from '../src/index.js'

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function caller(endpoints: readonly string[], options: Partial<MeshOptions> = {}): Mesh {
  const mesh = createMesh({ service: 'orders', registry: fixed({ users: [...endpoints] }), ...options })
  onTestFinished(() => mesh.close())
  return mesh
}

/** Where there is nothing to learn from failures, so that each call meets what it is meant to. */
const UNLEARNING = { outlier: { maxEjectedRatio: 0 }, breaker: { failureRatio: 1, minCalls: 1_000_000 }, balancer: { algorithm: 'round-robin' } } as const

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

describe('a call that is sent again', () => {
  /** Five instances, one of which does this to the connection of every request; and the ids of all that arrived. */
  async function fiveInstances(harm: (request: IncomingMessage, response: ServerResponse) => void) {
    const arrived = new Map<string, number>()
    const instance = (isBad: boolean): RequestListener => (request, response) => {
      const id = String(request.headers['x-id'])
      arrived.set(id, (arrived.get(id) ?? 0) + 1)
      request.resume().once('end', () => (isBad ? harm(request, response) : response.end('whole')))
    }
    const endpoints = await Promise.all([true, false, false, false, false].map((isBad) => serve(instance(isBad))))
    const mesh = caller(endpoints, { services: { users: UNLEARNING } })
    const call = (method: string, id: string) => mesh.service('users').request(method, '/', { headers: { 'x-id': id }, ...(method === 'POST' && { body: 'x' }) })
    return { arrived, call }
  }

  it('N09 is lost nowhere when the connection is reset before an answer and it can be done twice: it goes once more, elsewhere', async () => {
    const { arrived, call } = await fiveInstances((request) => request.socket.resetAndDestroy())
    for (let i = 0; i < 50; i++) {
      const reply = await call('GET', `${i}`)
      expect(await reply.text()).toBe('whole')
      expect(reply.attempts).toBe(arrived.get(`${i}`))
    }
    const counts = [...arrived.values()]
    expect(counts.filter((count) => count === 2).length).toBeGreaterThan(0)
    expect(Math.max(...counts)).toBe(2)
  })

  it('N09 is no POST that may have arrived: each arrives once, and each that is lost says that it may have been processed', async () => {
    const { arrived, call } = await fiveInstances((request) => request.socket.resetAndDestroy())
    let lost = 0
    for (let i = 0; i < 50; i++) {
      try {
        await (await call('POST', `${i}`)).text()
      } catch (error) {
        lost++
        expect(meshErrorIn(error)).toMatchObject({ code: 'MESH_ERR_CONNECTION', processed: 'maybe', attempts: 1 })
      }
    }
    expect(lost).toBeGreaterThan(0)
    expect(arrived.size).toBe(50)
    expect(Math.max(...arrived.values())).toBe(1)
  })

  it('N09 is a POST with an Idempotency-Key, by which the service knows it', async () => {
    const keys: string[] = []
    let requests = 0
    const instance: RequestListener = (request, response) => {
      keys.push(String(request.headers['idempotency-key']))
      if (requests++ === 0) request.socket.resetAndDestroy()
      else void textOf(request).then((body) => response.end(body))
    }
    const users = caller([await serve(instance), await serve(instance)]).service('users')
    const reply = await users.post('/', { headers: { 'idempotency-key': 'k-1' }, body: 'order' })
    expect([reply.attempts, await reply.text(), keys]).toEqual([2, 'order', ['k-1', 'k-1']])
  })

  it('N10 is none whose answer has begun: the application gets the error of the body, and never a short answer', async () => {
    const { arrived, call } = await fiveInstances((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('x'.repeat(500), () => response.socket!.resetAndDestroy())
    })
    let cut = 0
    for (let i = 0; i < 25; i++) {
      const text = await call('GET', `${i}`).then((reply) => reply.text()).catch((error: unknown) => {
        cut++
        expect(meshErrorIn(error)).toMatchObject({ code: 'MESH_ERR_CONNECTION' })
        return undefined
      })
      if (text !== undefined) expect(text).toBe('whole')
    }
    expect(cut).toBeGreaterThan(0)
    expect(Math.max(...arrived.values())).toBe(1)
  })

  it.each<[string, (mesh: Mesh) => Promise<string>]>([
    ['text', async (mesh) => (await mesh.service('users').put('/', { body: 'order 42' })).text()],
    ['a short stream', async (mesh) => (await mesh.service('users').put('/', { body: Readable.from([Buffer.from('order '), Buffer.from('42')]) })).text()],
    ['a function that makes a stream', async (mesh) => (await mesh.service('users').put('/', { body: () => Readable.from([Buffer.from('order 42')]) })).text()],
    ['text through fetch', async (mesh) => (await mesh.fetch('http://users.mesh/', { method: 'PUT', body: 'order 42' })).text()],
    ['a form through fetch', async (mesh) => {
      const body = new URLSearchParams({ order: '42' })
      return decodeURIComponent(await (await mesh.fetch('http://users.mesh/', { method: 'PUT', body })).text()).replace('=', ' ')
    }],
  ])('carries the same body again: %s', async (_, send) => {
    const bodies: string[] = []
    const instance: RequestListener = (request, response) => {
      void textOf(request).then((body) => {
        if (bodies.push(body) === 1) response.writeHead(502).end()
        else response.end(body)
      })
    }
    const mesh = caller([await serve(instance), await serve(instance)])
    expect(await send(mesh)).toBe('order 42')
    expect(bodies).toHaveLength(2)
    expect(bodies[0]).toBe(bodies[1])
  })

  it('L11 is no stream of 10 MiB, of which nothing is kept beyond the limit', async () => {
    setFlagsFromString('--expose_gc')
    const collect = runInNewContext('gc') as () => void
    const mib = 1024 * 1024
    let requests = 0
    let held = Infinity
    let before = 0
    // What is collected is counted as free a while later.
    const leastHeld = async (): Promise<number> => {
      let least = Infinity
      for (let i = 0; i < 20 && least > mib; i++) {
        collect()
        await pause(20)
        least = Math.min(least, process.memoryUsage().arrayBuffers - before)
      }
      return least
    }
    const instance: RequestListener = (request, response) => {
      requests++
      request.resume().once('end', () => {
        void leastHeld().then((bytes) => {
          held = bytes
          response.writeHead(503, { 'mesh-not-processed': '1' }).end()
        })
      })
    }
    const users = caller([await serve(instance), await serve(instance)]).service('users')
    let sent = 0
    const stream = (): Readable => Readable.from((async function* () {
      for (; sent < 10 * mib; sent += 65_536) yield Buffer.alloc(65_536, 1)
    })(), { objectMode: false, highWaterMark: 65_536 })
    before = await leastHeld()
    // Refused before any work, which would be sent again with any other body.
    const reply = await users.put('/', { body: stream(), timeoutMs: 25_000 })
    expect([reply.status, reply.attempts, requests, sent]).toEqual([503, 1, 1, 10 * mib])
    expect(held).toBeLessThan(3 * mib)
  })
})

describe('the token of a call', () => {
  /** Two instances that note the tokens which come to them. */
  async function signed(answer: (n: number, response: ServerResponse) => void, users: object) {
    const plane = await createControlPlane({ port: 0, clientSecret: 'hush' })
    onTestFinished(() => plane.close())
    const tokens: string[] = []
    const instance: RequestListener = (request, response) => {
      answer(tokens.push(request.headers.authorization!.slice('Bearer '.length)), response)
    }
    // Asked for every attempt, as a user's own source of tokens is.
    const token = async (audience: string): Promise<string> => {
      const response = await fetch(`${plane.url}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('orders:hush')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', audience }),
      })
      return ((await response.json()) as { access_token: string }).access_token
    }
    const mesh = caller([await serve(instance), await serve(instance)], { identity: { token }, services: { users: { ...UNLEARNING, ...users } } })
    return { tokens, users: mesh.service('users') }
  }

  function expectFresh(tokens: readonly string[], attempts: number): void {
    const claims = tokens.map((token) => decodeJwt(token))
    expect(claims.map(({ aud, sub }) => [aud, sub])).toEqual(Array.from({ length: attempts }, () => ['users', 'orders']))
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(attempts)
  }

  it('O05 is for the called service and fresh in each attempt that is made again', async () => {
    const { tokens, users } = await signed((n, response) => response.writeHead(n === 3 ? 200 : 502).end(), {})
    expect((await users.get('/')).attempts).toBe(3)
    expectFresh(tokens, 3)
  })

  it('O05 is for the called service and fresh in an attempt that is made beside another', async () => {
    let straggle = false
    const held: ServerResponse[] = []
    const { tokens, users } = await signed(
      (_n, response) => void (straggle && held.push(response) === 1 ? undefined : response.end()),
      { hedge: { percentile: 0.9, maxExtraRatio: 1 } },
    )
    for (let i = 0; i < 120; i++) await (await users.get('/')).text()
    straggle = true
    tokens.length = 0
    expect((await users.get('/')).attempts).toBe(2)
    expectFresh(tokens, 2)
  })
})
