import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { createServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { connect, createServer as createTlsServer, type ConnectionOptions, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls'
import { Agent, BalancedPool, Client, Pool } from 'undici'
import { expect, it, onTestFinished } from 'vitest'
import { createMesh, memory, type Mesh, type TransportOptions } from '../src/index.js'
import { Authority, describeWithOpenssl, IdentityFiles, type Identity } from './support/certificates.js'
import { next, serveOverTls, tlsMesh, type TlsServer } from './support/tls-scene.js'

const ONE_TRY = { retry: { maxResends: 0 }, breaker: { minCalls: 1_000 }, outlier: { consecutiveFailures: 0 } }

/** Made once, since each takes a process of its own. */
const home = onlyOnce(() => {
  const authority = Authority.create()
  return { authority, users: authority.workload('users'), orders: authority.workload('orders') }
})

function onlyOnce<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** A process that calls `users` at these addresses; once, whatever comes. */
function ordersMesh(addresses: readonly unknown[], files = new IdentityFiles(home().orders, [home().authority]), more: Partial<Parameters<typeof tlsMesh>[1]> = {}): Mesh {
  const registry = memory()
  registry.set('users', addresses as string[])
  return tlsMesh('orders', { registry, tls: files.options, services: { users: ONE_TRY }, ...more })
}

async function serveUsers(files = new IdentityFiles(home().users, [home().authority])): Promise<TlsServer & { readonly mesh: Mesh }> {
  const mesh = tlsMesh('users', { tls: files.options })
  return { ...(await serveOverTls(mesh)), mesh }
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Somebody who speaks TLS, shows these certificates, and writes down what is sent to it once the connection stands. */
async function stranger(identity: Identity, options: ServerOptions = {}): Promise<{ readonly address: string; readonly heard: () => string; readonly connections: () => number }> {
  let heard = ''
  let connections = 0
  const server = createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: false, ...options }, (socket) => {
    socket.on('error', () => {}).on('data', (chunk) => {
      heard += chunk.toString('latin1')
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    })
  })
  server.on('connection', () => connections++)
  return { address: await listening(server), heard: () => heard, connections: () => connections }
}

/** Sends a request over TLS of its own; fulfils with what comes back, or with the code of what broke the connection. */
function request(address: string, options: ConnectionOptions): Promise<string> {
  const [host, port] = address.split(':')
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect({ host: host!, port: Number(port), rejectUnauthorized: false, ...options })
    socket.on('secureConnect', () => socket.write('GET / HTTP/1.1\r\nhost: users\r\nconnection: close\r\n\r\n'))
    socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
    socket.on('error', (error: NodeJS.ErrnoException) => (heard ||= String(error.code)))
    socket.on('close', () => resolve(heard))
  })
}

const BODY = 'a body that nobody else may see'

async function failureOf(mesh: Mesh): Promise<{ code: string; processed: string; message: string }> {
  const error: unknown = await mesh.service('users').post('/', { body: BODY }).then(({ status }) => new Error(`answered ${status}`), (e: unknown) => e)
  return error as { code: string; processed: string; message: string }
}

describeWithOpenssl('mutual TLS', () => {
  it('carries calls between two workloads, each of which knows the other', async () => {
    const { address, callers } = await serveUsers()
    const reply = await ordersMesh([address]).service('users').post('/', { body: 'a body' })
    expect([reply.status, await reply.text()]).toEqual([200, 'orders'])
    expect(callers).toEqual(['spiffe://mesh.test/orders'])
  })

  it('takes chains with an authority between', async () => {
    const { address } = await serveUsers()
    const files = new IdentityFiles(home().authority.below().workload('orders'), [home().authority])
    expect((await ordersMesh([address], files).service('users').get('/')).status).toBe(200)
  })

  it('registers as one that speaks TLS, and leaves servers alone that were not made for it', async () => {
    const registry = memory()
    const { authority, users: identity } = home()
    const mesh = tlsMesh('users', { registry, tls: new IdentityFiles(identity, [authority]).options })
    const own = createServer({ ...identity, ca: authority.pem }, (_request, response) => void response.end('to anybody'))
    mesh.attach(own)
    const address = await listening(own)
    expect(await request(address, {})).toContain('to anybody')
    await mesh.register({ host: '127.0.0.1', port: Number(address.split(':')[1]) })
    const caller = tlsMesh('orders', { registry, tls: new IdentityFiles(home().orders, [authority], { mode: 'offered' }).options })
    expect(await (await caller.service('users').get('/')).text()).toBe('to anybody')
  })

  it('knows services by another form of SPIFFE ID, and one service by one of its own', async () => {
    const { authority } = home()
    const identities = 'spiffe://mesh.test/ns/shop/sa/{service}'
    const idOf = (service: string): Identity => authority.sign({ uris: [identities.replace('{service}', service)] })
    const { address, callers } = await serveUsers(new IdentityFiles(idOf('users'), [authority], { identities }))
    const files = new IdentityFiles(idOf('orders'), [authority], { identities })
    expect(await (await ordersMesh([address], files).service('users').get('/')).text()).toBe('orders')
    expect(callers).toEqual(['spiffe://mesh.test/ns/shop/sa/orders'])
    const services = { users: { ...ONE_TRY, tls: { identity: 'spiffe://mesh.test/ns/shop/sa/users' } } }
    expect((await ordersMesh([address], undefined, { services }).service('users').get('/')).status).toBe(200)
    expect((await failureOf(ordersMesh([address]))).code).toBe('MESH_ERR_TLS')
  })

  it('M01 refuses another workload through an Agent, Pool, Client, BalancedPool and HTTP/2, before a byte is sent', async () => {
    const wrong = await stranger(home().orders, { ALPNProtocols: ['h2', 'http/1.1'] })
    const kinds: Record<string, TransportOptions['createPool']> = {
      'our own': undefined,
      Agent: (_origin, options) => new Agent(options),
      Pool: (origin, options) => new Pool(origin, options),
      Client: (origin, options) => new Client(origin, options),
      BalancedPool: (origin, options) => new BalancedPool(origin, options),
      'HTTP/2': (origin, options) => new Pool(origin, { ...options, allowH2: true }),
    }
    for (const [kind, createPool] of Object.entries(kinds)) {
      const mesh = ordersMesh([wrong.address], undefined, { transport: { connectTimeoutMs: 5_000, createPool } })
      const { code, processed, message } = await failureOf(mesh)
      expect([kind, code, processed]).toEqual([kind, 'MESH_ERR_TLS', 'no'])
      expect(message).toContain('spiffe://mesh.test/orders, expected spiffe://mesh.test/users')
    }
    expect(wrong.connections()).toBe(Object.keys(kinds).length)
    expect(wrong.heard()).toBe('')
  })

  it('M01 reaches the right one through each of them', async () => {
    const { address } = await serveUsers()
    const kinds: TransportOptions['createPool'][] = [
      (_origin, options) => new Agent(options),
      (origin, options) => new Client(origin, options),
      (origin, options) => new BalancedPool(origin, options),
      (origin, options) => new Pool(origin, { ...options, allowH2: true }),
    ]
    for (const createPool of kinds) {
      const mesh = ordersMesh([address], undefined, { transport: { connectTimeoutMs: 5_000, createPool } })
      expect((await mesh.service('users').get('/')).status).toBe(200)
    }
  })

  it('M01 sends nothing through a pool that opens its connections by itself', async () => {
    const wrong = await stranger(home().users)
    const createPool: TransportOptions['createPool'] = (origin) => new Pool(origin, { connect: { rejectUnauthorized: false } })
    const { code, message } = await failureOf(ordersMesh([wrong.address], undefined, { transport: { createPool } }))
    expect([code, message]).toEqual(['MESH_ERR_TLS', expect.stringContaining('options.connect')])
    expect(wrong.heard()).toBe('')
  })

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('M02 refuses a peer that has become another, though it would resume the session: %s', async (maxVersion) => {
    const there = await resumingServer(home().users, maxVersion)
    const mesh = ordersMesh([there.address], new IdentityFiles(home().orders, [home().authority], { minVersion: 'TLSv1.2' }))
    expect((await mesh.service('users').get('/')).status).toBe(200)
    there.become(home().orders)
    const { code, message } = await failureOf(mesh)
    expect([code, message]).toEqual(['MESH_ERR_TLS', expect.stringContaining('spiffe://mesh.test/orders')])
    expect(there.resumed()).not.toContain(true)
    // It would have: this is what another client has of it.
    expect(await resume(there.address, maxVersion)).toBe(true)
  })

  it.each(['TLSv1.3', 'TLSv1.2'] as const)('M02 lets nobody resume a session with its server: %s', async (maxVersion) => {
    const { address } = await serveUsers(new IdentityFiles(home().users, [home().authority], { minVersion: 'TLSv1.2' }))
    expect(await resume(address, maxVersion)).toBe(false)
  })

  it('M06 refuses, at both ends, a certificate that has expired, of CA:TRUE, with two URIs, for another use, of no authority', async () => {
    const { authority } = home()
    const id = (service: string): string => `spiffe://mesh.test/${service}`
    const bad: Record<string, (service: string) => Identity> = {
      expired: (service) => authority.workload(service, { days: -1 }),
      'CA:TRUE': (service) => authority.workload(service, { isAuthority: true }),
      'two URIs': (service) => authority.workload(service, { uris: [id(service), id('billing')] }),
      'wrong use': (service) => authority.workload(service, { extendedKeyUsage: 'codeSigning' }),
      'another authority': (service) => Authority.create('stranger').workload(service),
      'signed by a workload': (service) => authority.below({ isAuthority: false, uris: [id('billing')], keyUsage: 'digitalSignature' }).workload(service),
    }
    const { address, callers, mesh } = await serveUsers()
    for (const [form, identityOf] of Object.entries(bad)) {
      const server = await stranger(identityOf('users'))
      expect([form, (await failureOf(ordersMesh([server.address]))).code]).toEqual([form, 'MESH_ERR_TLS'])
      expect([form, server.heard()]).toEqual([form, ''])
      const refused = next(mesh, 'connectionRefused')
      expect([form, await request(address, identityOf('orders'))]).not.toEqual([form, expect.stringContaining('HTTP/1.1')])
      await refused
    }
    expect(callers).toEqual([])
  })

  it('M06 refuses a client without a certificate', async () => {
    const { address, callers, mesh } = await serveUsers()
    const refused = next(mesh, 'connectionRefused')
    expect(await request(address, {})).not.toContain('HTTP/1.1')
    await refused
    expect(callers).toEqual([])
  })

  it('M07 ends a connection of TLS 1.2 that begins a second handshake, and serves on', async () => {
    const { address } = await serveUsers(new IdentityFiles(home().users, [home().authority], { minVersion: 'TLSv1.2' }))
    const [host, port] = address.split(':')
    const socket = connect({ host: host!, port: Number(port), ...home().orders, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
    await once(socket, 'secureConnect')
    const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>
    socket.resume().renegotiate({ rejectUnauthorized: false }, () => {})
    expect((await failed)[0].code).toBe('ERR_SSL_NO_RENEGOTIATION')
    expect((await ordersMesh([address]).service('users').get('/')).status).toBe(200)
  })

  it('M07 refuses a second handshake that a server begins: its call fails, and no other', async () => {
    let refusal: unknown
    const bad = createTlsServer({ ...home().users, maxVersion: 'TLSv1.2' }, (socket) => {
      socket.on('error', (error: NodeJS.ErrnoException) => {
        refusal = error.code
        socket.destroy()
      })
      socket.once('data', () => void socket.renegotiate({}, () => {}))
    })
    const good = await serveUsers()
    const files = new IdentityFiles(home().orders, [home().authority], { minVersion: 'TLSv1.2' })
    const failure = await failureOf(ordersMesh([await listening(bad)], files, { services: { users: { ...ONE_TRY, timeoutMs: 5_000 } } }))
    expect(failure.code).toBe('MESH_ERR_CONNECTION')
    expect(refusal).toBe('ERR_SSL_NO_RENEGOTIATION')
    expect((await ordersMesh([good.address]).service('users').get('/')).status).toBe(200)
  })
})

describeWithOpenssl('an endpoint in the clear', () => {
  it('O06 is sent nothing where TLS is required: not a connection, if it says that it speaks none; not a byte of a request, if it does not', async () => {
    let heard = ''
    let connections = 0
    const plain = createTcpServer((socket) => {
      connections++
      socket.on('error', () => {}).on('data', (chunk) => {
        heard += chunk.toString('latin1')
        socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
      })
    })
    const [host, port] = (await listening(plain)).split(':')
    const saysSo = await failureOf(ordersMesh([{ host, port: Number(port), metadata: { scheme: 'http' } }]))
    expect([saysSo.code, saysSo.processed, connections]).toEqual(['MESH_ERR_TLS', 'no', 0])
    const silent = await failureOf(ordersMesh([`${host}:${port}`]))
    expect([silent.code, silent.processed, connections]).toEqual(['MESH_ERR_TLS', 'no', 1])
    // The greeting of TLS and nothing of the request.
    expect(heard.charCodeAt(0)).toBe(0x16)
    expect(heard).not.toContain('POST')
    expect(heard).not.toContain(BODY)
  })

  it('O06 is refused where the registry asks for TLS and there are no certificates', async () => {
    const registry = memory()
    registry.set('users', ['127.0.0.1:1'], { tls: { mode: 'required' } })
    const mesh = createMesh({ service: 'orders', registry, services: { users: ONE_TRY } })
    onTestFinished(() => mesh.close())
    expect((await failureOf(mesh)).code).toBe('MESH_ERR_TLS')
    expect(() => createMesh({ service: 'orders', registry, services: { users: { tls: { mode: 'required' } } } })).toThrow(/^tls: expected the certificates that services\.users\.tls\.mode/)
  })

  it('O06 is not to be had by a registry that says TLS is off', async () => {
    const { address } = await serveUsers()
    const registry = memory()
    registry.set('users', [address], { tls: { mode: 'off' } })
    const mesh = tlsMesh('orders', { registry, tls: new IdentityFiles(home().orders, [home().authority]).options })
    expect((await mesh.service('users').get('/')).status).toBe(200)
    expect(mesh.explain('users').policy['tls.mode']).toEqual({ value: 'required', origin: 'createMesh tls' })
  })

  it('is called in the clear where TLS is only offered, and over TLS when it says so', async () => {
    const plain = createPlainServer((_request, response) => void response.end('plain'))
    const [host, port] = (await listening(plain)).split(':')
    const secure = await serveUsers()
    const files = new IdentityFiles(home().orders, [home().authority], { mode: 'offered' })
    const [secureHost, securePort] = secure.address.split(':')
    const answerOf = async (endpoint: unknown): Promise<string> => (await ordersMesh([endpoint], files).service('users').get('/')).text()
    expect(await answerOf({ host, port: Number(port) })).toBe('plain')
    expect(await answerOf({ host: secureHost, port: Number(securePort), metadata: { scheme: 'https' } })).toBe('orders')
  })

  it('O02 poisoned: a stranger under the name of a service gets no token and no byte of a body', async () => {
    const wrong = await stranger(Authority.create('stranger').workload('users'))
    const other = await stranger(home().authority.workload('billing'))
    const mesh = ordersMesh([wrong.address, other.address], undefined, { identity: { token: () => 'a-token' } })
    for (let i = 0; i < 6; i++) expect((await failureOf(mesh)).code).toBe('MESH_ERR_TLS')
    expect([wrong.heard(), other.heard()]).toEqual(['', ''])
  })
})

/** Calls twice, the second time with the session of the first; whether it was resumed. */
async function resume(address: string, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<boolean> {
  const [host, port] = address.split(':')
  const open = async (session?: Buffer): Promise<{ readonly session: Buffer | undefined; readonly reused: boolean }> => {
    const socket = connect({ host: host!, port: Number(port), ...home().orders, rejectUnauthorized: false, maxVersion, session })
    let last: Buffer | undefined
    socket.on('session', (it) => (last = it))
    await once(socket, 'secureConnect')
    const reused = socket.isSessionReused()
    last ??= socket.getSession()
    // A ticket of TLS 1.3 comes before the answer.
    socket.write('GET / HTTP/1.1\r\nhost: users\r\nconnection: close\r\n\r\n')
    await once(socket.resume(), 'close')
    return { session: last, reused }
  }
  const { session } = await open()
  return (await open(session)).reused
}

/** A server that resumes every session that it can, and shows other certificates when it is told to. */
async function resumingServer(identity: Identity, maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<{ readonly address: string; become(other: Identity): void; resumed(): boolean[] }> {
  const resumed: boolean[] = []
  const options = { requestCert: true, rejectUnauthorized: false, maxVersion, ticketKeys: Buffer.alloc(48, 1) } as const
  const server = createTlsServer({ ...identity, ...options }, (socket: TLSSocket) => {
    resumed.push(socket.isSessionReused())
    socket.on('error', () => {}).once('data', () => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'))
  })
  const address = await listening(server)
  return { address, become: (other) => server.setSecureContext({ ...other, ...options }), resumed: () => resumed }
}
