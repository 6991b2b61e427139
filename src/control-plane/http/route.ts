import type { IncomingHttpHeaders } from 'node:http'
import { Refusal, type Answer } from './answer.js'

export type Method = 'GET' | 'PUT' | 'POST'

/** One request, as a route sees it. */
export interface Exchange {
  /** What the `*` at the end of the route's path stands for, decoded. */
  readonly rest: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** Aborts when the client hangs up or the server closes. */
  readonly gone: AbortSignal
  /** The body as text, decompressed. Throws a 413 when it is larger than this. */
  body(maxBytes: number): Promise<string>
  /** The same as it came. */
  bytes(maxBytes: number): Promise<Buffer>
}

export type RouteHandler = (exchange: Exchange) => Answer | Promise<Answer>

export interface Route {
  readonly methods: readonly Method[]
  /** An exact path, or one that ends in `/*`. */
  readonly path: string
  readonly handle: RouteHandler
}

export interface Match {
  readonly handle: RouteHandler
  readonly rest: string
}

/** Finds the route of a request: an exact path first, then the longest one that ends in `/*`. Throws a 404 or a 405. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Match {
  const exact = new Map<string, Route[]>()
  for (const route of routes) exact.set(route.path, [...(exact.get(route.path) ?? []), route])
  const open = [...exact.keys()].filter((path) => path.endsWith('/*')).sort((a, b) => b.length - a.length)
  return (method, path) => {
    const known = exact.has(path) ? path : open.find((pattern) => path.startsWith(pattern.slice(0, -1)))
    if (known === undefined) throw new Refusal(404, `nothing is served at ${path}; GET / lists what is`)
    const choices = exact.get(known)!
    // The server drops the body of an answer to HEAD.
    const wanted = method === 'HEAD' ? 'GET' : method
    const route = choices.find(({ methods }) => methods.includes(wanted as Method))
    if (route === undefined) {
      const allow = choices.flatMap(({ methods }) => methods).join(', ')
      throw new Refusal(405, `method ${method} not allowed; use ${allow}`, { allow })
    }
    return { handle: route.handle, rest: known === path ? '' : decoded(path.slice(known.length - 1)) }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Refusal(400, 'the path is not percent-encoded UTF-8')
  }
}

/** Answers a refusal in the form of one protocol. */
export function refusedAs(render: (refusal: Refusal) => Answer, handle: RouteHandler): RouteHandler {
  return async (exchange) => {
    try {
      return await handle(exchange)
    } catch (error) {
      if (error instanceof Refusal) return render(error)
      throw error
    }
  }
}
