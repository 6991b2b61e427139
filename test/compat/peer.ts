import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server that answers as the test says, and remembers what it was asked. */
export class Peer {
  answer: RequestListener = (_request, response) => void response.end()
  readonly asked: IncomingMessage[] = []
  /** How many connections were opened to it. */
  connections = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', () => void this.connections++)
    server.on('request', (request, response) => {
      this.asked.push(request)
      this.answer(request, response)
    })
  }

  static async start(): Promise<Peer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Peer(server)
  }

  /** `127.0.0.1:8081`, as a registry lists it. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The `authorization` field of each request, in order. */
  get tokens(): (string | undefined)[] {
    return this.asked.map(({ headers }) => headers.authorization)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
