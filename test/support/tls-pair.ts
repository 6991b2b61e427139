import { X509Certificate } from 'node:crypto'
import { memory, type Mesh, type ServiceOptions } from '../../src/index.js'
import { IdentityFiles, type Authority } from './certificates.js'
import { serveOverTls, tlsMesh, type TlsServer } from './tls-scene.js'

/** Over few connections: a burst of handshakes is not what these are about. */
const TRANSPORT = { connectTimeoutMs: 10_000, maxConnections: 8 }
const PATIENT: ServiceOptions = { timeoutMs: 20_000, attemptTimeoutMs: 15_000 }

export interface TlsPair {
  readonly usersFiles: IdentityFiles
  readonly ordersFiles: IdentityFiles
  readonly users: Mesh
  readonly orders: Mesh
  readonly server: TlsServer
}

/** `orders`, whose certificate is of the one authority, calls `users`, whose is of the other; both trust both. */
export async function tlsPair(usersAuthority: Authority, ordersAuthority: Authority, retireMs = 30_000): Promise<TlsPair> {
  const both = usersAuthority === ordersAuthority ? [usersAuthority] : [usersAuthority, ordersAuthority]
  const usersFiles = new IdentityFiles(usersAuthority.workload('users'), both, { retireMs })
  const ordersFiles = new IdentityFiles(ordersAuthority.workload('orders'), both, { retireMs })
  const users = tlsMesh('users', { tls: usersFiles.options })
  const server = await serveOverTls(users)
  const registry = memory()
  registry.set('users', [server.address])
  const orders = tlsMesh('orders', { registry, tls: ordersFiles.options, transport: TRANSPORT, services: { users: PATIENT } })
  return { usersFiles, ordersFiles, users, orders, server }
}

/** Of a certificate in PEM, as both ends of a connection name it. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256
}

/** Fulfils when the server has been asked so many times more. */
export async function answersOf({ certificates }: TlsServer, more: number): Promise<void> {
  const enough = certificates.length + more
  while (certificates.length < enough) await new Promise((resolve) => setTimeout(resolve, 5))
}
