import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import express from 'express'
import { onTestFinished } from 'vitest'
import { expressMesh } from '../../src/express.js'
import { createMesh, memory, type AccessPolicy, type InboundOptions, type Mesh, type MeshOptions } from '../../src/index.js'
import type { MeshEvents } from '../../src/call/events.js'

/** A mesh over TLS that ends with the test. */
export function tlsMesh(service: string, options: Omit<MeshOptions, 'service' | 'registry'> & Partial<Pick<MeshOptions, 'registry'>>): Mesh {
  // Handshakes of a machine that is busy with other tests are not what these are about.
  const mesh = createMesh({ service, registry: memory(), transport: { connectTimeoutMs: 5_000 }, ...options })
  onTestFinished(() => mesh.close())
  return mesh
}

export const ANYBODY: AccessPolicy = { allow: [{ from: ['*'] }] }

export interface TlsServer {
  readonly server: Server
  readonly address: string
  /** Every connection that was taken, in order. */
  readonly connections: TLSSocket[]
  /** Callers of the requests that reached the application, by their principals. */
  readonly callers: (string | undefined)[]
  /** Of each request, as it came, the certificates of both ends, by their fingerprints. */
  readonly certificates: { readonly own: string | undefined; readonly peer: string | undefined; readonly connection: TLSSocket }[]
}

/** Serves over TLS on a free port: every path answers with the caller's service, but `/endless`, whose answer does not end. */
export async function serveOverTls(mesh: Mesh, inbound: InboundOptions = { policy: ANYBODY }): Promise<TlsServer> {
  const connections: TLSSocket[] = []
  const callers: TlsServer['callers'] = []
  const certificates: TlsServer['certificates'] = []
  const app = express().disable('x-powered-by')
  app.use(expressMesh(mesh, inbound))
  app.use((request, response, next) => {
    callers.push(request.mesh.peer?.principal)
    if (request.path === '/endless') return void response.write('so far')
    next()
  })
  app.use((request, response) => void response.send(request.mesh.peer?.service))
  const server = createServer(mesh.serverTls(), app)
  mesh.attach(server)
  const ends = new WeakMap<object, TlsServer['certificates'][number]>()
  server.on('secureConnection', (connection) => {
    connections.push(connection)
    ends.set(connection, { own: fingerprint(connection.getCertificate()), peer: fingerprint(connection.getPeerCertificate()), connection })
  })
  server.on('request', ({ socket }) => void certificates.push(ends.get(socket)!))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    return void server.close()
  })
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections, callers, certificates }
}

function fingerprint(certificate: object | null): string | undefined {
  return (certificate as { fingerprint256?: string } | null)?.fingerprint256
}

/** Fulfils with the next event of this kind. */
export function next<K extends keyof MeshEvents>(mesh: Mesh, name: K): Promise<MeshEvents[K]> {
  return new Promise((resolve) => {
    const stop = mesh.on(name, (event) => {
      stop()
      resolve(event)
    })
  })
}
