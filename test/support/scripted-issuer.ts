import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = (request: IncomingMessage & { body: string }, response: ServerResponse) => void

/** An issuer that answers as a test tells it to, and counts what it was asked. */
export class ScriptedIssuer {
  readonly url: string
  readonly asked: { path: string; headers: IncomingMessage['headers']; body: string }[] = []
  /** Path → answer. Without one, a path is not found. */
  readonly answers = new Map<string, Answer>()
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => void this.#serve(request, response))
    this.json('/.well-known/openid-configuration', {
      issuer: this.url,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/keys`,
    })
  }

  static async start(): Promise<ScriptedIssuer> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new ScriptedIssuer(server)
  }

  /** Answers with this value, or with what this function makes of the request. */
  json(path: string, value: unknown, status = 200): void {
    this.answers.set(path, (request, response) => {
      const body: unknown = typeof value === 'function' ? (value as (body: string) => unknown)(request.body) : value
      response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.asked.filter((one) => one.path === path).length
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const path = request.url ?? ''
    this.asked.push({ path, headers: request.headers, body })
    const answer = this.answers.get(path)
    if (answer === undefined) response.writeHead(404).end()
    else answer(Object.assign(request, { body }), response)
  }
}
