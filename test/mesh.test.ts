import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { memory, type MemoryRegistry } from '../src/discovery/memory.js'
import type { Registry } from '../src/discovery/registry.js'
import { createMesh, type Mesh } from '../src/mesh.js'
import type { MeshOptions } from '../src/mesh-options.js'

const closers: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function meshWith(options: Partial<MeshOptions> & { readonly registry: Registry }): Mesh {
  const mesh = createMesh({ service: 'orders', ...options })
  closers.push(() => mesh.close())
  return mesh
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function usersIn(registry: MemoryRegistry, answers: readonly string[]): Promise<number[]> {
  const ports = await Promise.all(answers.map((answer) => serve((_req, res) => void res.end(answer))))
  registry.set('users', ports.map((port) => `127.0.0.1:${port}`))
  return ports
}

/** A registry that never answers. */
const silent: Registry = {
  name: 'silent',
  async *watch(_service, { signal }) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    yield* []
  },
  register: () => new Promise(() => {}),
}

describe('mesh', () => {
  it('calls a service by its name, in every way that names it', async () => {
    const registry = memory()
    await usersIn(registry, ['Ada'])
    const mesh = meshWith({ registry, services: { users: {} } })
    expect(await (await mesh.service('users').get('/')).text()).toBe('Ada')
    expect(await (await mesh.fetch('http://users/')).text()).toBe('Ada')
    expect(await (await mesh.fetch('http://users.mesh/')).text()).toBe('Ada')
  })

  it('knows a service that nobody configured, once the registry has named an instance of it', async () => {
    const registry = memory()
    await usersIn(registry, ['Ada'])
    const mesh = meshWith({ registry, unknownHosts: 'error' })
    expect(await (await mesh.fetch('http://users/')).text()).toBe('Ada')
    await expect(mesh.fetch('http://nobody/')).rejects.toMatchObject({ code: 'MESH_ERR_UNKNOWN_HOST' })
  })

  it('stops following a service that nobody has called for a while, unless it is named in the options', async () => {
    const registry = memory()
    await usersIn(registry, ['Ada'])
    const mesh = meshWith({ registry, services: { stock: {} }, discovery: { idleMs: 100 } })
    await mesh.fetch('http://users/').then((response) => response.text())
    expect(Object.keys(mesh.snapshot().services)).toEqual(['stock', 'users'])
    await expect.poll(() => Object.keys(mesh.snapshot().services)).toEqual(['stock'])
    expect(await (await mesh.fetch('http://users/')).text()).toBe('Ada')
  })

  it('goes on treating a service as one when its last instance is gone, and does not ask DNS', async () => {
    const registry = memory()
    await usersIn(registry, ['Ada'])
    const mesh = meshWith({ registry })
    await mesh.fetch('http://users/').then((response) => response.text())
    registry.set('users', [])
    await expect.poll(() => mesh.explain('users').endpoints).toEqual([])
    await expect(mesh.fetch('http://users/')).rejects.toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS', processed: 'no' })
  })

  it('leaves hosts with a port, a dot, or https alone', async () => {
    const port = await serve((_req, res) => void res.end('outside'))
    const mesh = meshWith({ registry: silent })
    expect(await (await mesh.fetch(`http://localhost:${port}/`)).text()).toBe('outside')
    expect(await (await mesh.fetch(`http://127.0.0.1:${port}/`)).text()).toBe('outside')
  })

  it('waits for the registry as long as the call has time, then says what was missing', async () => {
    const mesh = meshWith({ registry: silent, services: { users: { timeoutMs: 50 } }, readyTimeoutMs: 50 })
    await expect(mesh.service('users').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_NOT_READY', message: expect.stringContaining("'silent'") })
    await expect(mesh.ready()).rejects.toMatchObject({ code: 'MESH_ERR_NOT_READY', message: expect.stringContaining('users') })
  })

  it('is ready when the registry has told about every named service, even if there is none of it', async () => {
    const mesh = meshWith({ registry: memory(), services: { users: {}, stock: {} } })
    await mesh.ready()
    await expect(mesh.service('users').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS' })
  })

  it('N01 loses no call to an instance that refuses connections', async () => {
    const registry = memory()
    const [port] = await usersIn(registry, ['Ada'])
    registry.set('users', [`127.0.0.1:${port}`, '127.0.0.1:1', '127.0.0.1:2'])
    const mesh = meshWith({ registry })
    for (let i = 0; i < 30; i++) expect(await (await mesh.service('users').get('/')).text()).toBe('Ada')
  })

  it('explains every value in force and who set it, the registry below the options', async () => {
    const registry = memory()
    registry.set('users', ['127.0.0.1:8081'], { timeoutMs: 900, balancer: { algorithm: 'random' } })
    const mesh = meshWith({ registry, services: { users: { timeoutMs: 700 } } })
    await mesh.ready()
    const { policy, endpoints } = mesh.explain('users')
    expect(policy['timeoutMs']).toEqual({ value: 700, origin: 'createMesh' })
    expect(policy['balancer.algorithm']).toEqual({ value: 'random', origin: 'registry memory' })
    expect(policy['retry.maxResends']).toEqual({ value: 2, origin: 'default' })
    expect(endpoints).toMatchObject([{ address: '127.0.0.1:8081', state: 'ready', inFlight: 0, latencyMs: undefined }])
  })

  it('L08 gives a call the time that its own caller has left, if that is less', async () => {
    const registry = memory()
    const seen: (string | undefined)[] = []
    const port = await serve((req, res) => {
      seen.push(req.headers['mesh-timeout-ms'] as string)
      res.end()
    })
    registry.set('users', [`127.0.0.1:${port}`])
    const mesh = meshWith({ registry, services: { users: { timeoutMs: 5_000 } } })
    await mesh.service('users').get('/')
    await mesh.service('users').get('/', { timeoutMs: 200 })
    expect(Number(seen[0])).toBeGreaterThan(1_000)
    expect(Number(seen[1])).toBeLessThanOrEqual(200)
  })

  it('registers under its own name, and is found there until it closes', async () => {
    const registry = memory()
    const port = await serve((_req, res) => void res.end('me'))
    const mesh = meshWith({ service: 'users', registry })
    const caller = meshWith({ registry })
    await mesh.register({ port, host: '127.0.0.1', id: 'users-1' })
    expect(mesh.snapshot()).toMatchObject({ service: 'users', instances: ['users-1'], draining: false })
    expect(await (await caller.service('users').get('/')).text()).toBe('me')
    await mesh.close()
    await expect.poll(() => caller.explain('users').endpoints).toEqual([])
  })

  it('refuses bad options with their path, and nothing is started', () => {
    let watched = 0
    const registry: Registry = { ...silent, watch: (...args) => (watched++, silent.watch(...args)) }
    const bad: [Record<string, unknown>, string][] = [
      [{ service: 'Orders' }, "service: expected a service name: lower-case letters, digits and hyphens, beginning with a letter, at most 63 characters, got \"Orders\""],
      [{ service: 42 }, 'service: expected a service name'],
      [{ service: undefined }, 'service: expected'],
      [{ registry: {} }, 'registry: expected a registry, such as consul()'],
      [{ services: { users: { timeoutMs: -5 } } }, 'services.users.timeoutMs: expected a positive number of milliseconds, got -5'],
      [{ services: { users: { balancer: { algorithm: 'best' } } } }, 'services.users.balancer.algorithm: expected one of'],
      [{ services: { Users: {} } }, 'services: expected a service name'],
      [{ identity: { clientSecret: 's' } }, 'identity.issuer: expected'],
      [{ identity: { issuer: 'not a url' } }, 'identity.issuer: expected an http:// or https:// URL'],
      [{ tracing: true }, 'tracing: unknown option; expected one of service, registry'],
    ]
    for (const [options, message] of bad) {
      expect(() => createMesh({ service: 'orders', registry, ...options }), JSON.stringify(options)).toThrow(message)
    }
    expect(watched).toBe(0)
  })

  it('never writes into what it is given', async () => {
    const options = { service: 'orders', registry: memory(), services: { users: { retry: { maxResends: 1 } } } }
    const before = structuredClone({ ...options, registry: undefined })
    const mesh = meshWith(options)
    await mesh.ready()
    expect({ ...options, registry: undefined }).toEqual(before)
  })

  it('can be closed twice, and says of later calls that it is closed', async () => {
    const registry = memory()
    await usersIn(registry, ['Ada'])
    const mesh = meshWith({ registry })
    await mesh.service('users').get('/')
    let closed = 0
    mesh.on('closed', () => closed++)
    await Promise.all([mesh.close(), mesh.close(), mesh[Symbol.asyncDispose]()])
    expect(closed).toBe(1)
    await expect(mesh.service('users').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
    await expect(mesh.service('new').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
    await expect(mesh.fetch('http://other/')).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
    await expect(mesh.register({ port: 1 })).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
  })
})
