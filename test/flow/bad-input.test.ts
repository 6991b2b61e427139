import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import { consul, createMesh, file, fixed, type Mesh, type MeshOptions, type Registry } from '../../src/index.js'
import { FakeClock } from '../support/fake-clock.js'
import { start } from '../support/processes.js'
import { eventually } from '../support/eventually.js'

interface SilentRegistry extends Registry {
  /** Services that were followed and instances that were registered. */
  readonly asked: readonly string[]
}

/** Says nothing, ever, and remembers what it was asked. */
function silentRegistry(): SilentRegistry {
  const asked: string[] = []
  return {
    name: 'silent',
    asked,
    async *watch(service, { signal }) {
      asked.push(`watch ${service}`)
      await once(signal, 'abort').catch(() => {})
    },
    register({ id }) {
      asked.push(`register ${id}`)
      return new Promise(() => {})
    },
  }
}

function meshOf(options: object): Mesh {
  const mesh = createMesh({ service: 'orders', registry: silentRegistry(), ...options })
  onTestFinished(() => mesh.close())
  return mesh
}

function optionError(message: string | RegExp): unknown {
  const isSaid: unknown = typeof message === 'string' ? message : expect.stringMatching(message)
  return expect.objectContaining({ code: 'MESH_ERR_OPTION', message: isSaid })
}

describe('bad input to createMesh', () => {
  const SERVICE_NAME =
    'expected a service name: lower-case letters, digits and hyphens, beginning with a letter, at most 63 characters'
  const usersWith = (policy: object): object => ({ services: { users: policy } })

  it.each([
    ['an unknown option', { colour: 'red' }, /^colour: unknown option; expected one of service, registry, /],
    [
      'an unknown nested option',
      usersWith({ balancer: { algoritm: 'random' } }),
      'services.users.balancer.algoritm: unknown option; expected one of algorithm, hashHeader, hashCookie',
    ],
    [
      'a negative time',
      usersWith({ timeoutMs: -1 }),
      'services.users.timeoutMs: expected a positive number of milliseconds, got -1',
    ],
    ['a time that is no number', { readyTimeoutMs: NaN }, 'readyTimeoutMs: expected a positive number of milliseconds, got NaN'],
    ['a numeric service name', { service: 42 }, `service: ${SERVICE_NAME}, got 42`],
    ['an upper-case service name', { service: 'Orders' }, `service: ${SERVICE_NAME}, got "Orders"`],
    ['no service name', { service: undefined }, "service: expected this service's name, got undefined"],
    ['an upper-case name of a called service', { services: { Users: {} } }, `services: ${SERVICE_NAME}, got "Users"`],
    [
      'an unknown algorithm',
      usersWith({ balancer: { algorithm: 'fastest' } }),
      /^services\.users\.balancer\.algorithm: expected one of 'adaptive', .*, got "fastest"$/,
    ],
    ['no room for a connection', { transport: { maxConnections: 0 } }, 'transport.maxConnections: expected a whole number of 1 or more, got 0'],
    ['half a place in the queue', { transport: { maxWaiting: 0.5 } }, 'transport.maxWaiting: expected a whole number of 0 or more, got 0.5'],
    ['a port that is none', { admin: { port: 70_000 } }, 'admin.port: expected a whole number from 0 to 65535, got 70000'],
    ['an unknown option of the listener', { admin: { adress: 'x' } }, 'admin.adress: unknown option; expected one of port, host'],
    ['no registry', { registry: undefined }, 'registry: expected a registry, such as consul(), got undefined'],
    [
      'a secret without an issuer',
      { identity: { clientSecret: 'hush' } },
      'identity.issuer: expected the issuer that knows clientSecret, got undefined',
    ],
    ['a token file without an issuer', { identity: { clientTokenFile: 'x' } }, 'identity.issuer: expected the issuer that knows clientTokenFile, got undefined'],
    [
      'a trust domain that is none',
      { identity: { issuer: 'http://issuer.test', trustDomain: 'Example.org' } },
      'identity.trustDomain: expected the name of a SPIFFE trust domain, such as example.org, got "Example.org"',
    ],
    [
      'two ways to a token',
      { identity: { issuer: 'http://issuer.test', clientSecret: 'hush', clientTokenFile: 'x' } },
      'identity.clientTokenFile: expected either clientTokenFile or clientSecret, got "both"',
    ],
    [
      'a client key that is none',
      { identity: { issuer: 'http://issuer.test', clientKey: 'hush' } },
      'identity.clientKey: expected a P-256 private key as PEM text, got something else',
    ],
    ['a token that is no way to one', { identity: { token: 7 } }, 'identity.token: expected fileToken(), selfSigned() or a function (audience) that gives a token, got 7'],
  ])('%s is an error that names path, expectation and value, and nothing is started', (_, options, message) => {
    const registry = silentRegistry()
    const given = { service: 'orders', registry, services: { users: {} }, ...options } as unknown as MeshOptions
    expect(() => createMesh(given)).toThrow(optionError(message))
    expect(registry.asked).toEqual([])
  })

  it('a bad name given to service() and explain() is the same error, and is not followed', () => {
    const registry = silentRegistry()
    const mesh = meshOf({ registry })
    expect(() => mesh.service('Users')).toThrow(/^service: expected a service name: .*, got "Users"$/)
    expect(() => mesh.explain(7 as unknown as string)).toThrow(/^service: expected a service name: .*, got 7$/)
    expect(registry.asked).toEqual([])
  })
})

describe('bad input to register', () => {
  it.each([
    ['no port', {}, 'port: expected the port that this service listens on, got undefined'],
    ['a port that is none', { port: 70_000 }, 'port: expected a whole number from 1 to 65535, got 70000'],
    ['a port that nobody would call', { port: 6000 }, 'port: expected a port for HTTP, not one that Fetch blocks or that a cache listens at, got 6000'],
    ['the address that a server listens at', { port: 8081, host: '0.0.0.0' }, 'host: expected an address at which a service can be, not an address that means this machine, got "0.0.0.0"'],
    ['a port as text', { port: '8081' }, 'port: expected a whole number from 1 to 65535, got "8081"'],
    ['an unknown option', { port: 80, wieght: 2 }, /^wieght: unknown option; expected one of port, host, id, weight, metadata$/],
  ])('%s is a clear error, and the registry is not asked', async (_, options, message) => {
    const registry = silentRegistry()
    await expect(meshOf({ registry }).register(options as never)).rejects.toEqual(optionError(message))
    expect(registry.asked).toEqual([])
  })
})

describe('a registry that tells nonsense', () => {
  it('an empty file and a malformed one leave the last good snapshot in force, and are told', async () => {
    const { port } = await answering('hello')
    const folder = await mkdtemp(join(tmpdir(), 'mesh-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'services.json')
    await writeFile(path, JSON.stringify({ services: { users: [`127.0.0.1:${port}`] } }))
    const mesh = meshOf({ registry: file(path), services: { users: {} } })
    const errors: Error[] = []
    mesh.on('registryError', ({ error }) => void errors.push(error))
    await mesh.ready()
    expect(await hello(mesh)).toBe('hello')

    for (const [content, reason] of [
      ['', 'expected a list of services as JSON, got an empty file'],
      ['{ "services": { "users": [', 'JSON'],
      ['{ "services": { "users": 7 } }', 'services.users: expected a plain object, got 7'],
    ] as const) {
      errors.length = 0
      // By renaming, so that it is never seen half written.
      await writeFile(`${path}.new`, content)
      await rename(`${path}.new`, path)
      await eventually(() => expect(errors[0]?.message).toContain(reason))
      expect(errors[0]).toMatchObject({ code: 'MESH_ERR_SNAPSHOT', message: expect.stringContaining(path) as string })
      expect(mesh.snapshot().services['users']).toMatchObject({ endpoints: [{ address: `127.0.0.1:${port}` }] })
      expect(await hello(mesh)).toBe('hello')
    }
  })

  it('an empty file at the start is no "no instances": calls wait until it is filled', async () => {
    const { port } = await answering('hello')
    const folder = await mkdtemp(join(tmpdir(), 'mesh-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const path = join(folder, 'services.json')
    await writeFile(path, '')
    const mesh = meshOf({ registry: file(path), services: { users: { timeoutMs: 20_000 } } })
    const told = new Promise((resolve) => mesh.on('registryError', resolve))
    const called = hello(mesh)
    await told
    await writeFile(path, JSON.stringify({ services: { users: [`127.0.0.1:${port}`] } }))
    expect(await called).toBe('hello')
  })

  it('a malformed entry of a fixed list is an error at once', () => {
    expect(() => fixed({ users: ['127.0.0.1:http'] })).toThrow(/^fixed\.users\[0\]/)
  })
})

describe('a registry that cannot be reached', () => {
  it('lets calls wait up to their deadline, and not longer, for MESH_ERR_NOT_READY', async () => {
    const clock = new FakeClock()
    const mesh = createMesh(
      { service: 'orders', registry: silentRegistry(), services: { users: { timeoutMs: 1_000 } }, readyTimeoutMs: 3_000 },
      { clock, random: seededRandom(1) },
    )
    onTestFinished(() => mesh.close())
    const settled: string[] = []
    const follow = (name: string, waiting: Promise<unknown>): void =>
      void waiting.then(
        () => settled.push(`${name} fulfilled`),
        (error: { code: string }) => settled.push(`${name} ${error.code}`),
      )
    follow('call', mesh.service('users').get('/'))
    follow('short call', mesh.service('users').get('/', { timeoutMs: 200 }))
    follow('fetch', mesh.fetch('http://users/'))
    follow('ready', mesh.ready())

    await clock.advance(190)
    expect(settled).toEqual([])
    await clock.advance(100)
    expect(settled).toEqual(['short call MESH_ERR_NOT_READY'])
    await clock.advance(700)
    expect(settled).toHaveLength(1)
    await clock.advance(100)
    expect(settled.slice(1).sort()).toEqual(['call MESH_ERR_NOT_READY', 'fetch MESH_ERR_NOT_READY'])
    await clock.advance(2_000)
    expect(settled.at(-1)).toBe('ready MESH_ERR_NOT_READY')
  })

  it('says which registry it is that does not answer, and where', async () => {
    const registry = consul({ address: 'http://127.0.0.1:1' })
    const mesh = meshOf({ registry, services: { users: {} }, readyTimeoutMs: 200 })
    await expect(mesh.ready()).rejects.toThrow(/'consul'.*users.*reachable/)
    expect(mesh.snapshot().services['users']!.registryError).toContain('http://127.0.0.1:1')
  })
})

describe('a taken port', () => {
  it('is a clear error of the control plane, and of its command, which ends with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const message = `port ${port} on 127.0.0.1 is taken`
    await expect(createControlPlane({ port })).rejects.toThrow(expect.objectContaining({ code: 'MESH_ERR_PORT_TAKEN' }))
    await expect(createControlPlane({ port })).rejects.toThrow(message)

    const { code, stdout, stderr } = await start('src/cli.ts', ['dev', '--port', String(port), '--no-otlp']).ended
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })
})

async function answering(text: string): Promise<AddressInfo> {
  const server = createHttpServer((_, response) => response.end(text)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return server.address() as AddressInfo
}

async function hello(mesh: Mesh): Promise<string> {
  return (await mesh.service('users').get('/')).text()
}
