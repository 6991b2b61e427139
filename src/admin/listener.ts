import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import { addressOf } from '../call/endpoint.js'
import type { Events } from '../call/events.js'
import type { AdminSettings } from './admin-options.js'
import { refusalOf } from './admission.js'
import { answerOf, type AdminViews } from './pages.js'
import { Taps } from './tap.js'

export interface AdminParts {
  /** This service's name. */
  readonly service: string
  readonly views: AdminViews
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
}

export interface Admin {
  /** `http://host:port`; rejects with `MESH_ERR_PORT_TAKEN` or what else keeps it from listening. */
  readonly url: Promise<string>
  /** Ends every connection at once. */
  close(): Promise<void>
}

/** As many as people and scrapers need; no more may wait here. */
const MAX_CONNECTIONS = 64

/** Begins to listen. It keeps no process alive, and what goes wrong with it harms no call: it is told as `adminError`. */
export function openAdmin({ host, port }: AdminSettings, { service, views, events, clock, random }: AdminParts): Admin {
  const taps = new Taps({ service, events, clock, random })
  const server = createServer((request, response) => {
    const [path = '/', search = ''] = (request.url ?? '/').split('?', 2)
    const refusal = refusalOf(request, host)
    if (refusal !== undefined) return send(response, refusal.status, 'text/plain; charset=utf-8', `${refusal.reason}\n`)
    if (path === '/tap' && request.method === 'GET') return taps.open(new URLSearchParams(search), response)
    const { status, type, body } = answerOf(path, views)
    send(response, status, type, body)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket) => socket.unref())
  const url = listening(server, host, port)
  url.catch((error: Error) => events.emit('adminError', { error }))
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        taps.close()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listening(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // For good: a connection that cannot be accepted later on is an error too, and no reason to die.
    server.on('error', (cause: NodeJS.ErrnoException) => reject(cause.code === 'EADDRINUSE' ? taken(host, port, cause) : cause))
    server.listen({ host, port }, () => resolve(`http://${addressOf({ host, port: (server.address() as AddressInfo).port })}`))
    server.unref()
  })
}

function taken(host: string, port: number, cause: Error): MeshError {
  return new MeshError('MESH_ERR_PORT_TAKEN', `admin: port ${port} on ${host} is taken; choose another one, or 0 for any that is free`, { cause })
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) }).end(body)
}
