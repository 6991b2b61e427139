import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { MeshError } from '../../base/errors.js'
import { addressOf } from '../../call/endpoint.js'
import { problem, Refusal, type Answer } from './answer.js'
import { readBody } from './body.js'
import { guard } from './guard.js'
import { createRouter, type Route } from './route.js'

/** Where a server listens. */
export interface Location {
  readonly host: string
  readonly port: number
  /** `http://host:port`, without a slash at the end. */
  readonly url: string
}

export interface HttpServer extends Location {
  /** Ends every connection at once, those of waiting clients too. */
  close(): Promise<void>
}

export interface ServerOptions {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** Asked for once the port is known, because documents name it. */
  readonly routes: (location: Location) => readonly Route[]
}

// Longer than clients keep an idle connection, so that it is the client who gives it up.
const KEEP_ALIVE_MS = 65_000

// Of an answer that goes on, to a client that does not read.
const MAX_UNREAD_BYTES = 256 * 1024

/** Listens and serves. Throws `MESH_ERR_PORT_TAKEN`. */
export async function openServer({ host, port: wantedPort, routes }: ServerOptions): Promise<HttpServer> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS })
  const port = await listen(server, host, wantedPort)
  const location: Location = { host, port, url: `http://${addressOf({ host, port })}` }
  const route = createRouter(routes(location))
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    void answer(request, gone.signal, route).then((given) => {
      if (response.destroyed) return
      if (given.follow !== undefined) return follow(response, given, given.follow)
      response.writeHead(given.status, { ...given.headers, 'content-length': Buffer.byteLength(given.body) })
      response.end(given.body)
    })
  })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { ...location, close: () => (closed ??= close()) }
}

function follow(response: ServerResponse, { status, headers, body }: Answer, begin: NonNullable<Answer['follow']>): void {
  response.writeHead(status, headers)
  response.write(body)
  // An answer to HEAD has no more to it than its head.
  if (response.req.method === 'HEAD') return void response.end()
  begin((text) => {
    if (response.destroyed || response.writableLength > MAX_UNREAD_BYTES) return false
    response.write(text)
    return true
  })
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // For good: later on, a connection that cannot be accepted for want of file handles is an error too, and no reason to die.
    server.on('error', (cause: NodeJS.ErrnoException) => reject(cause.code === 'EADDRINUSE' ? taken(host, port, cause) : cause))
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port))
  })
}

function taken(host: string, port: number, cause: Error): MeshError {
  const advice = 'end the process that has it (another control plane, perhaps), or choose another port'
  return new MeshError('MESH_ERR_PORT_TAKEN', `port ${port} on ${host} is taken: ${advice}`, { cause })
}

async function answer(request: IncomingMessage, gone: AbortSignal, route: ReturnType<typeof createRouter>): Promise<Answer> {
  try {
    guard(request.headers)
    const [path, search] = splitAt(request.url ?? '/', '?')
    const { handle, rest } = route(request.method ?? 'GET', path)
    const bytes = (maxBytes: number): Promise<Buffer> => readBody(request, maxBytes)
    const body = async (maxBytes: number): Promise<string> => (await bytes(maxBytes)).toString('utf8')
    return await handle({ rest, query: new URLSearchParams(search), headers: request.headers, gone, body, bytes })
  } catch (error) {
    return problem(error instanceof Refusal ? error : new Refusal(500, `an unexpected error: ${String(error)}`))
  }
}

function splitAt(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
