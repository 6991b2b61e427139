import { beforeEach, describe, expect, it } from 'vitest'
import type { InboundOptions } from '../src/inbound-options.js'
import { webMesh, type WebConnection, type WebOptions } from '../src/web.js'
import { InboundScene } from './support/inbound-mesh.js'

const OPTIONS: InboundOptions = {
  policy: { allow: [{ from: ['orders'], methods: ['GET'], paths: ['/users/:id'] }] },
  exempt: ['/healthz'],
}

let scene: InboundScene
let handle: (request: Request) => Promise<Response>

beforeEach(async () => {
  scene = await InboundScene.create()
  handle = webMesh(scene, OPTIONS, (_, { peer }) => Response.json({ peer: peer?.service ?? null }))
})

describe('web-standard handler', () => {
  it('is told who calls', async () => {
    const response = await handle(new Request('http://users/users/42?x=1', { headers: await scene.bearer('orders') }))
    expect([response.status, await response.json()]).toEqual([200, { peer: 'orders' }])
  })

  it('Z06 is not reached without a token but on an exempt path', async () => {
    const response = await handle(new Request('http://users/users/42'))
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect([response.status, await response.json()]).toMatchObject([401, { code: 'MESH_ERR_UNAUTHENTICATED' }])
    expect(await (await handle(new Request('http://users/healthz'))).json()).toEqual({ peer: null })
  })

  it('is not reached by who is not allowed, nor by a path with two readings', async () => {
    const headers = await scene.bearer('orders')
    expect((await handle(new Request('http://users/users/42', { method: 'DELETE', headers }))).status).toBe(403)
    expect((await handle(new Request('http://users//users/42', { headers }))).status).toBe(400)
    expect((await handle(new Request('http://users/users/..%2fadmin', { headers }))).status).toBe(400)
  })

  it('is judged by the connection that the platform tells of, and in doubt where it tells of none', async () => {
    const policy = {
      allow: [{ from: ['orders'], when: [{ addresses: ['10.0.0.0/8'] }] }],
      deny: [{ from: ['*'], ports: [9090] }],
    }
    const answer = async (connection?: WebOptions['connection'], ...platform: unknown[]): Promise<number> => {
      const asked = webMesh(scene, { policy, connection }, () => new Response())
      return (await asked(new Request('http://users/', { headers: await scene.bearer('orders') }), ...platform)).status
    }
    const told = (_: Request, remoteAddress: string, localPort: number): WebConnection => ({ remoteAddress, localPort })
    expect(await answer(told, '10.1.2.3', 8080)).toBe(200)
    expect(await answer(told, '192.0.2.1', 8080)).toBe(403)
    expect(await answer(told, '10.1.2.3', 9090)).toBe(403)
    expect(await answer(told, 'ten', 8080)).toBe(403)
    expect(await answer(told, '10.1.2.3')).toBe(403)
    // Nobody has said what the platform's arguments mean.
    expect(await answer(undefined, { remoteAddress: '10.1.2.3', localPort: 8080 })).toBe(403)
    expect(() => webMesh(scene, { policy, connection: 'here' as never }, () => new Response())).toThrow('connection: expected a function, got "here"')
  })

  it.each([
    ['options', [null, () => new Response()], 'options: expected a plain object, got null'],
    ['a handler', [OPTIONS], 'handler: expected a function that answers a request, got undefined'],
  ])('is not made without %s', (_, rest, message) => {
    expect(() => webMesh(scene, ...(rest as [WebOptions, () => Response]))).toThrow(message)
  })

  it('is not made without a mesh', () => {
    expect(() => webMesh(undefined as never, OPTIONS, () => new Response())).toThrow('mesh: expected what createMesh has made, got undefined')
  })

  it('J13 two authorization fields are one too many, even if one is good', async () => {
    const headers = new Headers(await scene.bearer('orders'))
    headers.append('authorization', 'Bearer x')
    expect((await handle(new Request('http://users/users/42', { headers }))).status).toBe(401)
  })

  it('tells its caller with a failure, and with nothing else, that what is behind it has been tried again', async () => {
    const answering = webMesh(scene, OPTIONS, (request) => {
      const { searchParams } = new URL(request.url)
      if (searchParams.has('spent')) scene.host.ambient.current!.chain.spend()
      return new Response('', { status: Number(searchParams.get('status')) })
    })
    const told = async (query: string, headers = {}): Promise<string | null> => {
      const response = await answering(new Request(`http://users/users/42?${query}`, { headers: { ...(await scene.bearer('orders')), ...headers } }))
      return response.headers.get('mesh-retried')
    }
    expect(await told('status=503&spent')).toBe('1')
    expect(await told('status=429&spent')).toBe('1')
    expect(await told('status=503')).toBeNull()
    expect(await told('status=200&spent')).toBeNull()
    expect(await told('status=404&spent')).toBeNull()
  })

  it('knows whether the request is one more try', async () => {
    const answering = webMesh(scene, OPTIONS, () => Response.json(scene.host.ambient.current!.chain.isResend))
    const ask = async (headers: Record<string, string>): Promise<unknown> =>
      (await answering(new Request('http://users/users/42', { headers: { ...(await scene.bearer('orders')), ...headers } }))).json()
    expect(await ask({})).toBe(false)
    expect(await ask({ 'mesh-resend': '1' })).toBe(true)
  })

  it('an error of the handler stays the one of the handler', async () => {
    const broken = webMesh(scene, OPTIONS, () => Promise.reject(new Error('broken handler')))
    await expect(broken(new Request('http://users/users/42', { headers: await scene.bearer('orders') }))).rejects.toThrow('broken handler')
  })
})
