import { once } from 'node:events'
import { createServer as createPlainServer } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import { connect, createServer as createTlsServer, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Agent, BalancedPool, Client, Pool, type Dispatcher } from 'undici'
import { expect, it, onTestFinished } from 'vitest'
import { memory, type Mesh, type TlsOptions } from '../src/index.js'
import { Authority, describeWithOpenssl, IdentityFiles, type Identity } from './support/certificates.js'
import { InboundScene, ISSUER } from './support/inbound-mesh.js'
import { ANYBODY, next, serveOverTls, tlsMesh, type TlsServer } from './support/tls-scene.js'

const ONE_TRY = { retry: { maxResends: 0 }, breaker: { minCalls: 1_000 }, outlier: { consecutiveFailures: 0 } }

function caller(files: IdentityFiles, addresses: readonly unknown[], more: Partial<Parameters<typeof tlsMesh>[1]> = {}): Mesh {
  const registry = memory()
  registry.set('users', addresses as string[])
  return tlsMesh('orders', { registry, tls: files.options, services: { users: ONE_TRY }, ...more })
}

async function users(authority: Authority, more: Partial<TlsOptions> = {}): Promise<TlsServer & { readonly mesh: Mesh; readonly files: IdentityFiles }> {
  const files = new IdentityFiles(authority.workload('users'), [authority], more)
  const mesh = tlsMesh('users', { tls: files.options })
  return { ...(await serveOverTls(mesh)), mesh, files }
}

async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describeWithOpenssl('mutual TLS', () => {
  it('carries calls between two workloads, each of which knows the other', async () => {
    const authority = Authority.create()
    const { address, callers } = await users(authority)
    const mesh = caller(new IdentityFiles(authority.workload('orders'), [authority]), [address])
    const reply = await mesh.service('users').post('/', { body: 'a body' })
    expect([reply.status, await reply.text()]).toEqual([200, 'orders'])
    expect(callers).toEqual(['spiffe://mesh.test/orders'])
  })

  it('takes chains with an authority between', async () => {
    const authority = Authority.create()
    const { address } = await users(authority)
    const mesh = caller(new IdentityFiles(authority.below().workload('orders'), [authority]), [address])
    expect((await mesh.service('users').get('/')).status).toBe(200)
  })
})
