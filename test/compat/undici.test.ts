import { Readable, Writable } from 'node:stream'
import { pipeline as through } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { Agent, getGlobalDispatcher, interceptors, MockAgent, pipeline, request, setGlobalDispatcher, stream } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fixed } from '../../src/discovery/fixed.js'
import { createMesh, type Mesh } from '../../src/mesh.js'
import type { TransportOptions } from '../../src/transport/transport.js'
import { textOf } from './bodies.js'
import { Peer } from './peer.js'

let users: Peer
const meshes: Mesh[] = []

function meshWith(transport: TransportOptions = {}): Mesh {
  const mesh = createMesh({
    service: 'caller',
    registry: fixed({ users: [users.address] }),
    identity: { token: (audience) => `token-for-${audience}` },
    transport,
  })
  meshes.push(mesh)
  return mesh
}

function collector(): { readonly into: Writable; readonly text: () => string } {
  const chunks: Buffer[] = []
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  return { into, text: () => Buffer.concat(chunks).toString() }
}

beforeEach(async () => {
  users = await Peer.start()
  users.answer = (request, response) => void request.pipe(response)
})
afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.close()))
  await users.close()
})

describe('the dispatcher of the mesh, where undici takes one', () => {
  it('serves stream()', async () => {
    const { into, text } = collector()
    const { dispatcher } = meshWith()
    await stream('http://users/', { dispatcher, method: 'POST', body: Readable.from(['a', 'b']) }, () => into)
    expect(text()).toBe('ab')
    expect(users.tokens).toEqual(['Bearer token-for-users'])
  })

  it('serves pipeline()', async () => {
    const { into, text } = collector()
    const echo = pipeline('http://users/', { dispatcher: meshWith().dispatcher, method: 'POST' }, ({ body }) => body)
    await through(Readable.from(['a', 'b']), echo, into)
    expect(text()).toBe('ab')
  })

  it('sends a Node stream, an iterable and a Blob', async () => {
    const { dispatcher } = meshWith()
    const iterable = (async function* () {
      yield Buffer.from('hello')
    })()
    for (const body of [Readable.from(['hello']), iterable, new Blob(['hello'])]) {
      const answer = await request('http://users/', { dispatcher, method: 'POST', body: body as Readable })
      expect(await answer.body.text()).toBe('hello')
    }
  })

  it('carries trailers', async () => {
    users.answer = (_request, response) => {
      response.writeHead(200, { trailer: 'x-sum' })
      response.addTrailers({ 'x-sum': '42' })
      response.end('body')
    }
    const { body, trailers } = await request('http://users/', { dispatcher: meshWith().dispatcher })
    await body.text()
    expect(trailers).toEqual({ 'x-sum': '42' })
  })

  it("serves under undici's own interceptors", async () => {
    users.answer = ({ url }, response) => {
      if (url === '/here') response.writeHead(302, { location: '/there' }).end()
      else response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(`at ${url}`))
    }
    const dispatcher = meshWith().dispatcher.compose(interceptors.redirect({ maxRedirections: 1 }), interceptors.decompress())
    expect(await (await request('http://users/here', { dispatcher })).body.text()).toBe('at /there')
    await dispatcher.close()
  })

  it('serves the built-in fetch and undici as their global dispatcher', async () => {
    const before = getGlobalDispatcher()
    try {
      setGlobalDispatcher(meshWith().dispatcher)
      expect(await (await fetch('http://users/', { method: 'POST', body: 'by fetch' })).text()).toBe('by fetch')
      expect(await (await request('http://users/', { method: 'POST', body: 'by request' })).body.text()).toBe('by request')
    } finally {
      setGlobalDispatcher(before)
    }
    expect(users.tokens).toEqual(['Bearer token-for-users', 'Bearer token-for-users'])
  })
})

describe('transport.createPool', () => {
  it("puts the application's own dispatcher under the mesh, and closes it with the mesh", async () => {
    const agents: Agent[] = []
    const createPool: TransportOptions['createPool'] = (origin, options) => {
      expect(origin).toBe(`http://${users.address}`)
      agents.push(new Agent({ ...options, connections: 1 }))
      return agents[0]!
    }
    const mesh = meshWith({ createPool })
    const answers = await Promise.all([1, 2, 3].map((i) => mesh.fetch(`http://users/${i}`, { method: 'POST', body: String(i) })))
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['1', '2', '3'])
    expect([agents.length, users.connections]).toEqual([1, 1])
    await mesh.close()
    expect(agents[0]!.closed).toBe(true)
  })

  it("lets undici's MockAgent answer in the service's place", async () => {
    const mock = new MockAgent()
    mock.disableNetConnect()
    mock
      .get(`http://${users.address}`)
      .intercept({ path: '/users/42', headers: { authorization: 'Bearer token-for-users' } })
      .reply(200, { id: 42 })
    const { dispatcher } = meshWith({ createPool: () => mock })
    const { body } = await request('http://users/users/42', { dispatcher })
    expect(JSON.parse(await textOf(body))).toEqual({ id: 42 })
    expect(users.asked).toEqual([])
  })
})
