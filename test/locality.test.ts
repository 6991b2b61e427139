import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMesh, memory, type Mesh, type MeshOptions } from '../src/index.js'
import type { EndpointOptions } from '../src/discovery/endpoint-reader.js'

const servers: Server[] = []
const meshes: Mesh[] = []
/** Id of the endpoint → how many requests it was sent. */
let served: Record<string, number>

beforeEach(() => {
  served = {}
})
afterEach(async () => {
  await Promise.all(meshes.splice(0).map((mesh) => mesh.close()))
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

/** An endpoint at which somebody answers. */
async function serving(id: string, place: Partial<EndpointOptions>): Promise<EndpointOptions> {
  const server = createServer((_, response) => {
    served[id] = (served[id] ?? 0) + 1
    response.end('hello')
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { id, host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...place }
}

function meshOf(registry: MeshOptions['registry'], options: Partial<MeshOptions> = {}): Mesh {
  const mesh = createMesh({ service: 'orders', registry, services: { users: {} }, zone: 'a', region: 'eu', ...options })
  meshes.push(mesh)
  return mesh
}

async function call(mesh: Mesh, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await (await mesh.service('users').get('/')).text()
}

describe('a mesh that knows where it is', () => {
  it('calls its own zone, and explains the levels', async () => {
    const users = [await serving('near', { zone: 'a', region: 'eu' }), await serving('next', { zone: 'b', region: 'eu' }), await serving('far', { region: 'us' })]
    const mesh = meshOf(memory({ users }))
    await call(mesh, 20)
    expect(served).toEqual({ near: 20 })
    const { levels, endpoints, policy } = mesh.explain('users')
    expect(levels).toEqual([
      { priority: 0, proximity: 'zone', share: 1, size: 1 },
      { priority: 0, proximity: 'region', share: 0, size: 1 },
      { priority: 0, proximity: 'elsewhere', share: 0, size: 1 },
    ])
    expect(endpoints[2]).toMatchObject({ id: 'far', zone: undefined, region: 'us', priority: 0 })
    expect(policy['locality.overprovisioning']).toEqual({ value: 1.4, origin: 'default' })
  })

  it('offers a call that cannot connect nearby to the next level', async () => {
    const near = { id: 'near', host: '127.0.0.1', port: 1, zone: 'a', region: 'eu' }
    const mesh = meshOf(memory({ users: [near, await serving('far', { zone: 'b', region: 'eu' })] }))
    await call(mesh, 5)
    expect(served).toEqual({ far: 5 })
  })

  it('calls what stands by only when what comes first has gone', async () => {
    const [first, standby] = [await serving('first', {}), await serving('standby', { priority: 1, zone: 'a' })]
    const registry = memory({ users: [first, standby] })
    const mesh = meshOf(registry)
    await call(mesh, 10)
    expect(served).toEqual({ first: 10 })
    registry.set('users', [{ ...first, status: 'draining' }, standby])
    await expect.poll(() => mesh.snapshot().services['users']!.levels).toHaveLength(1)
    await call(mesh, 10)
    expect(served).toEqual({ first: 10, standby: 10 })
  })

  it('treats all zones alike when the registry asks for it, from then on', async () => {
    const users = [await serving('near', { zone: 'a' }), await serving('far', { zone: 'b' })]
    const registry = memory({ users })
    const mesh = meshOf(registry, { services: { users: { balancer: { algorithm: 'random' } } } })
    await call(mesh, 10)
    expect(served).toEqual({ near: 10 })
    registry.set('users', users, { locality: { mode: 'off' } })
    await expect.poll(() => mesh.explain('users').policy['locality.mode']?.origin).toBe('registry memory')
    await call(mesh, 60)
    expect(served['far']).toBeGreaterThan(10)
    expect(mesh.explain('users').levels).toEqual([{ priority: 0, proximity: 'elsewhere', share: 1, size: 2 }])
  })

  it('calls a subset of its own, and tells others where it is when it registers', async () => {
    const users = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((id) => serving(id, {})))
    const registry = memory({ users })
    const mesh = meshOf(registry, { services: { users: { subset: { size: 2 } }, orders: {} } })
    await call(mesh, 40)
    expect(Object.keys(served)).toHaveLength(2)
    expect(mesh.explain('users').levels).toMatchObject([{ share: 1, size: 2 }])
    await mesh.register({ port: 1 })
    await expect.poll(() => mesh.snapshot().services['orders']!.endpoints).toMatchObject([{ zone: 'a', region: 'eu', priority: 0 }])
  })
})
