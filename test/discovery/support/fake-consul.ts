import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Bell } from '../../../src/discovery/bell.js'

interface Entry {
  readonly Node: { Node: string; Address: string }
  readonly Service: Record<string, unknown> & { ID: string }
  readonly Checks: { CheckID: string; Status: string }[]
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: IncomingMessage['headers']
  readonly body: unknown
}

/** What the fake says instead of the truth, once. */
type Answer = (response: ServerResponse) => void

/** The documented part of Consul's HTTP API that the adapter speaks, on a real server, with one service. */
export class FakeConsul {
  url = ''
  index = 10
  /** Entries of the health endpoint; a test may put anything there. */
  entries: unknown[] = []
  readonly asked: Asked[] = []
  readonly #instead: { readonly path: RegExp; readonly answer: Answer }[] = []
  readonly #changed = new Bell()
  readonly #heard = new Bell()
  readonly #closing = new AbortController()
  readonly #server = createServer((request, response) => void this.#answer(request, response))

  static async start(): Promise<FakeConsul> {
    const consul = new FakeConsul()
    consul.#server.listen(0, '127.0.0.1')
    await once(consul.#server, 'listening')
    consul.url = `http://127.0.0.1:${(consul.#server.address() as AddressInfo).port}`
    return consul
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Changes the state and wakes the queries that are held. */
  change(entries: unknown[], index = this.index + 1): void {
    this.entries = entries
    this.index = index
    this.#changed.ring()
  }

  /** Answers the next request to this path with something else. */
  instead(path: RegExp, answer: Answer): void {
    this.#instead.push({ path, answer })
  }

  /** The first request to this path from now on, or from the beginning on. */
  async heard(path: RegExp, since = 0): Promise<Asked> {
    for (;;) {
      const found = this.asked.slice(since).find((asked) => path.test(asked.path))
      if (found !== undefined) return found
      this.#closing.signal.throwIfAborted()
      await this.#heard.rung(this.#closing.signal)
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://consul')
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const path = decodeURIComponent(url.pathname)
    const query = Object.fromEntries(url.searchParams)
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    this.asked.push({ method: request.method!, path, query, headers: request.headers, body })
    this.#heard.ring()
    const instead = this.#instead.findIndex((each) => each.path.test(path))
    if (instead >= 0) return this.#instead.splice(instead, 1)[0]!.answer(response)
    const [what, name] = [path.slice(0, path.lastIndexOf('/')), path.slice(path.lastIndexOf('/') + 1)]
    if (what === '/v1/health/service') return this.#health(query, response)
    if (path === '/v1/agent/service/register') return this.#register(JSON.parse(text) as Record<string, unknown>, response)
    if (what === '/v1/agent/check/pass') return this.#pass(name, response)
    if (what === '/v1/agent/service/deregister') return this.#deregister(name, response)
    response.writeHead(404).end()
  }

  async #health(query: Record<string, string>, response: ServerResponse): Promise<void> {
    const waitMs = Number(query['wait']?.replace(/ms$/, ''))
    const enough = AbortSignal.any([this.#closing.signal, ...(waitMs > 0 ? [AbortSignal.timeout(waitMs)] : [])])
    while (Number(query['index']) === this.index && !enough.aborted) await this.#changed.rung(enough)
    response.writeHead(200, { 'x-consul-index': String(this.index) }).end(JSON.stringify(this.entries))
  }

  #register(body: Record<string, unknown>, response: ServerResponse): void {
    const { Check: check, Name: name, ID: id, ...rest } = body as { Check: Entry['Checks'][number]; Name: string; ID: string }
    const entry: Entry = {
      Node: { Node: 'node-1', Address: '10.0.0.1' },
      Service: { Address: '', ...rest, ID: id, Service: name },
      Checks: [{ CheckID: check.CheckID, Status: check.Status }],
    }
    this.change([...this.#others(id), entry])
    response.writeHead(200).end()
  }

  #pass(checkId: string, response: ServerResponse): void {
    const known = (this.entries as Entry[]).some(({ Checks }) => Checks.some(({ CheckID }) => CheckID === checkId))
    if (known) response.writeHead(200).end()
    else response.writeHead(404).end(`Unknown check ID "${checkId}". Ensure that the check ID is passed, not the check name.`)
  }

  #deregister(id: string, response: ServerResponse): void {
    const others = this.#others(id)
    if (others.length === this.entries.length) return void response.writeHead(404).end(`Unknown service ID "${id}"`)
    this.change(others)
    response.writeHead(200).end()
  }

  #others(id: string): unknown[] {
    return (this.entries as Entry[]).filter(({ Service }) => Service.ID !== id)
  }
}

/** A health entry as Consul writes it, with what a test wants different. */
export function healthEntry(port: number, service: object = {}, statuses: readonly string[] = ['passing']): object {
  return {
    Node: { ID: '40e4a748', Node: 'node-1', Address: '10.0.0.1', Datacenter: 'dc1' },
    Service: {
      ID: `users-${port}`,
      Service: 'users',
      Tags: [],
      Address: '127.0.0.1',
      Meta: {},
      Port: port,
      Weights: { Passing: 1, Warning: 1 },
      EnableTagOverride: false,
      ...service,
    },
    Checks: [{ CheckID: 'serfHealth', Status: 'passing' }, ...statuses.map((Status, i) => ({ CheckID: `service:${i}`, Status }))],
  }
}
