import { randomBytes } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isMeshError } from '../../src/base/errors.js'
import { fixed } from '../../src/discovery/fixed.js'
import { createMesh, type Mesh } from '../../src/mesh.js'
import { bytesOf, formOf, gate, lengthOf, textOf } from './bodies.js'
import { BUFFERS_BYTES, LONG_BYTES, longBody, standstill, writeLongBody } from './long-body.js'
import { clients } from './clients.js'
import { Peer } from './peer.js'

let users: Peer
let orders: Peer
let outside: Peer
let mesh: Mesh

beforeEach(async () => {
  users = await Peer.start()
  orders = await Peer.start()
  outside = await Peer.start()
  mesh = createMesh({
    service: 'caller',
    registry: fixed({ users: [users.address], orders: [orders.address], nobody: ['127.0.0.1:1'] }),
    identity: { token: (audience) => `token-for-${audience}` },
    unknownHosts: 'passthrough',
  })
})
afterEach(async () => {
  await mesh.close()
  await Promise.all([users.close(), orders.close(), outside.close()])
})

describe.each(clients)('$name through the mesh', (client) => {
  it('sends and reads JSON', async () => {
    users.answer = (request, response) => {
      response.setHeader('content-type', 'application/json')
      request.pipe(response)
    }
    const value = { name: 'Zoë', tags: ['a', 'b'], nested: { age: 42 } }
    expect(await client.json(mesh, 'http://users/echo', value)).toEqual(value)
    expect(users.asked[0]!.headers).toMatchObject({ 'content-type': expect.stringContaining('application/json'), host: 'users' })
    expect(users.tokens).toEqual(['Bearer token-for-users'])
  })

  it('keeps path, trailing slash and query as they were written', async () => {
    await client.send(mesh, 'http://users/a%2Fb/?q=one%20two&q=&z')
    expect(users.asked[0]!.url).toBe('/a%2Fb/?q=one%20two&q=&z')
  })

  it('carries 3 MB there and back', async () => {
    users.answer = (request, response) => void request.pipe(response)
    const body = new Uint8Array(randomBytes(3 * 1024 * 1024))
    const { body: echoed } = await client.send(mesh, 'http://users/', { method: 'POST', body })
    expect((await bytesOf(echoed)).equals(body)).toBe(true)
  })

  it('sends no faster than the service reads', async () => {
    const asked = gate()
    const read = gate()
    users.answer = (request, response) => {
      asked.open()
      void read.opened.then(async () => response.end(String(await lengthOf(request))))
    }
    const { stream, taken } = longBody()
    const sending = client.send(mesh, 'http://users/', { method: 'POST', body: stream })
    await asked.opened
    expect(await standstill(taken)).toBeLessThan(BUFFERS_BYTES)
    read.open()
    expect(await textOf((await sending).body)).toBe(String(LONG_BYTES))
  })

  it('receives no faster than its caller reads', async () => {
    let taken = (): number => 0
    users.answer = (_request, response) => void (taken = writeLongBody(response))
    const { body } = await client.send(mesh, 'http://users/')
    expect(await standstill(() => taken())).toBeLessThan(BUFFERS_BYTES)
    expect(await lengthOf(body)).toBe(LONG_BYTES)
  })

  it('sends a form with a file', async () => {
    users.answer = (request, response) => void formOf(request).then((fields) => response.end(JSON.stringify(fields)))
    const form = new client.Form()
    form.append('name', 'Zoë')
    form.append('photo', new File(['pixels'], 'zoë.png', { type: 'image/png' }))
    const { body } = await client.send(mesh, 'http://users/', { method: 'POST', body: form })
    expect(JSON.parse(await textOf(body))).toEqual({ name: 'Zoë', photo: 'zoë.png: pixels' })
  })

  it('keeps several set-cookie fields apart', async () => {
    const cookies = ['a=1; Expires=Wed, 21 Oct 2037 07:28:00 GMT', 'b=2', 'c=3; Path=/, x']
    users.answer = (_request, response) => void response.writeHead(200, { 'set-cookie': cookies, 'x-other': ['1', '2'] }).end()
    const { headers } = await client.send(mesh, 'http://users/')
    expect(headers.getSetCookie()).toEqual(cookies)
    expect(headers.get('x-other')).toBe('1, 2')
  })

  it('aborts a call that waits for its answer, and the service notices', async () => {
    const closed = gate()
    const controller = new AbortController()
    users.answer = (_request, response) => {
      response.on('close', closed.open)
      controller.abort()
    }
    await expect(client.send(mesh, 'http://users/', { signal: controller.signal })).rejects.toThrow(/abort|cancel/i)
    await closed.opened
  })

  it('aborts a call whose body is being read, and the service notices', async () => {
    const closed = gate()
    const controller = new AbortController()
    users.answer = (_request, response) => {
      response.on('close', closed.open)
      response.write('first')
    }
    const { body } = await client.send(mesh, 'http://users/', { signal: controller.signal })
    const reading = (async () => {
      for await (const _ of body) controller.abort()
    })()
    await expect(reading).rejects.toThrow(/abort|cancel/i)
    await closed.opened
  })

  it('O10 POSTs with a content-length of its own, which is on the wire once, to a service and past the mesh', async () => {
    for (const [peer, host] of [[users, 'users'], [outside, outside.address]] as const) {
      peer.answer = (request, response) => void request.pipe(response)
      const headers = { 'Content-Length': '5', 'content-type': 'text/plain' }
      const { body } = await client.send(mesh, `http://${host}/`, { method: 'POST', headers, body: 'hello' })
      expect(await textOf(body)).toBe('hello')
      expect(peer.asked[0]!.headersDistinct['content-length']).toEqual(['5'])
    }
  })

  it('O10 sends its caller\'s own authorization, once and nothing beside it', async () => {
    await client.send(mesh, 'http://users/', { headers: { AUTHORIZATION: 'Bearer of-its-own' } })
    expect(users.asked[0]!.headersDistinct['authorization']).toEqual(['Bearer of-its-own'])
  })

  it('takes answers without a body', async () => {
    for (const [method, status] of [['GET', 204], ['GET', 304], ['HEAD', 200]] as const) {
      users.answer = (_request, response) => void response.writeHead(status, { etag: '"1"' }).end()
      const answer = await client.send(mesh, 'http://users/', { method })
      expect([answer.status, answer.headers.get('etag'), await textOf(answer.body)]).toEqual([status, '"1"', ''])
    }
  })

  it(client.isFetch ? 'decodes a compressed answer' : 'hands a compressed answer on as it came', async () => {
    const text = 'long '.repeat(1000)
    users.answer = (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text))
    const bytes = await bytesOf((await client.send(mesh, 'http://users/')).body)
    expect((client.isFetch ? bytes : gunzipSync(bytes)).toString()).toBe(text)
  })

  it('carries header fields of 12 KB both ways', async () => {
    const long = 'h'.repeat(12 * 1024)
    users.answer = (request, response) => void response.writeHead(200, { 'x-long': request.headers['x-long'] }).end()
    const { headers } = await client.send(mesh, 'http://users/', { headers: { 'x-long': long } })
    expect(headers.get('x-long')).toBe(long)
  })

  it('gets an answer that comes before the body was sent', async () => {
    users.answer = (_request, response) => void response.writeHead(413, { connection: 'close' }).end('too long')
    const { stream, taken } = longBody()
    const { status, body } = await client.send(mesh, 'http://users/', { method: 'POST', body: stream })
    expect([status, await textOf(body)]).toEqual([413, 'too long'])
    expect(await standstill(taken)).toBeLessThan(LONG_BYTES)
  })

  it('uses its connections again', async () => {
    for (let i = 0; i < 10; i++) await textOf((await client.send(mesh, `http://users/${i}`)).body)
    expect(users.asked.length).toBe(10)
    // undici lets a connection rest for a turn of the event loop after each answer; a second one then takes its place.
    expect(users.connections).toBeLessThanOrEqual(2)
  })

  it('carries a call to a host that is no service past the mesh, without a token', async () => {
    outside.answer = (_request, response) => void response.end('outside')
    expect(await textOf((await client.send(mesh, `http://${outside.address}/`)).body)).toBe('outside')
    expect(outside.tokens).toEqual([undefined])
    expect(outside.asked[0]!.headers.host).toBe(outside.address)
  })

  if (client.isFetch) it('O01 follows a redirect to another service with a token for that one', async () => {
    users.answer = (_request, response) => void response.writeHead(307, { location: 'http://orders/there' }).end()
    orders.answer = (request, response) => void request.pipe(response)
    const { body } = await client.send(mesh, 'http://users/here', { method: 'POST', body: 'hello' })
    expect(await textOf(body)).toBe('hello')
    expect([users.tokens, orders.tokens]).toEqual([['Bearer token-for-users'], ['Bearer token-for-orders']])
  })

  it('O01 gives no token to the other origin of a redirect', async () => {
    for (const status of [301, 302, 303, 307, 308]) {
      users.answer = (_request, response) => void response.writeHead(status, { location: `http://${outside.address}/` }).end()
      const answer = await client.send(mesh, 'http://users/')
      expect(answer.status).toBe(client.isFetch ? 200 : status)
      await textOf(answer.body)
    }
    expect(outside.tokens).toEqual(client.isFetch ? Array(5).fill(undefined) : [])
  })

  it('fails with the error of the mesh in its chain of causes', async () => {
    const error: unknown = await client.send(mesh, 'http://nobody/').catch((reason: unknown) => reason)
    expect(isMeshError(error, 'MESH_ERR_CONNECT')).toBe(true)
  })
})
