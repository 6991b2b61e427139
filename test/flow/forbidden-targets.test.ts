import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createHttpClient } from '../../src/base/http.js'
import { systemClock } from '../../src/base/clock.js'
import { memory } from '../../src/discovery/memory.js'
import { createMesh, type MeshError } from '../../src/index.js'

let port: number
let connections: number

beforeEach(async () => {
  connections = 0
  const server = createServer((socket) => {
    connections++
    socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  port = (server.address() as AddressInfo).port
})

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

/** How a call to a service ends whose registry names these addresses, and what was refused of them. */
async function callTo(...addresses: (string | object)[]): Promise<{ status?: number; code?: string; message?: string; refused: readonly string[] }> {
  const registry = memory()
  registry.set('users', addresses as string[])
  const mesh = createMesh({ service: 'orders', registry, services: { users: { timeoutMs: 2_000 } }, identity: { token: () => 'secret' } })
  onTestFinished(() => mesh.close())
  const refused: string[] = []
  mesh.on('endpointsRefused', ({ reasons }) => refused.push(...reasons))
  try {
    const { status } = await mesh.service('users').get('/')
    return { status, refused }
  } catch (error) {
    const { code, message } = error as MeshError
    return { code, message, refused }
  }
}

describe('O03 where nothing is sent', () => {
  it('the server would be reached by the address of nobody in particular, if that were not refused', async () => {
    expect(await callTo(`127.0.0.1:${port}`)).toMatchObject({ status: 200 })
    expect(connections).toBe(1)
  })

  it('no connection is opened to what a poisoned registry may name', async () => {
    const hosts = ['0.0.0.0', '[::]', '[::ffff:0.0.0.0]', '0', '0x0', '169.254.169.254', '[::ffff:169.254.169.254]', '2852039166', '[fe80::1]']
    for (const host of hosts) {
      const answer = await callTo(`${host}:${port}`)
      expect(answer, host).toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS' })
    }
    const odd = [`http://127.0.0.1:${port}`, 'file:///etc/passwd', `user:password@127.0.0.1:${port}`, `x@127.0.0.1:${port}`, `127.0.0.1:${port}/path`, `127.0.0.1#:${port}`]
    for (const address of odd) expect(await callTo(address), address).toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS' })
    expect(connections).toBe(0)
  })

  it.each([22, 25, 6379, 11_211, 6000, 10_080])('nor to port %i, whatever the host', async (badPort) => {
    expect(await callTo(`127.0.0.1:${badPort}`)).toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS' })
  })

  it('a name is looked at each time it is resolved: one that turns to a forbidden address is not followed', async () => {
    let addresses = ['127.0.0.1']
    let resolved = 0
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, options: { all?: boolean }, callback: (...found: unknown[]) => void) => {
      resolved++
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      if (options.all === true) callback(null, found)
      else callback(null, found[0]!.address, found[0]!.family)
    }) as never)
    syncBuiltinESMExports()
    expect(await callTo(`users.test:${port}`)).toMatchObject({ status: 200 })
    addresses = ['0.0.0.0']
    expect(await callTo(`users.test:${port}`)).toMatchObject({ code: 'MESH_ERR_CONNECT', message: expect.stringContaining('an address that means this machine') as string })
    addresses = ['169.254.169.254', '::']
    expect(await callTo(`users.test:${port}`)).toMatchObject({ code: 'MESH_ERR_CONNECT', message: expect.stringContaining('link-local') as string })
    expect(resolved).toBeGreaterThanOrEqual(3)
    expect(connections).toBe(1)
  })

  it('nor does the mesh ask an issuer at such an address for keys or tokens', async () => {
    const http = createHttpClient(systemClock, {}, 'services')
    onTestFinished(() => http.close())
    for (const host of ['0.0.0.0', '[::]', '169.254.169.254', '0', '[::ffff:0.0.0.0]']) {
      await expect(http.request({ url: `http://${host}:${port}/`, timeoutMs: 2_000 }), host).rejects.toThrow('nothing is sent there')
    }
    expect(connections).toBe(0)
    expect((await http.request({ url: `http://127.0.0.1:${port}/`, timeoutMs: 2_000 })).status).toBe(200)
  })
})
