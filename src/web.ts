import { isIP } from 'node:net'
import { callable, plainObject } from './base/validate.js'
import { Cancellation } from './call/cancellation.js'
import type { RequestMesh } from './call/inbound.js'
import { RETRIED_HEADER } from './call/chain.js'
import { LOAD_REPORT_HEADER } from './call/load-report.js'
import { isFailure } from './call/outcome.js'
import type { InboundMesh } from './inbound.js'
import type { InboundOptions } from './inbound-options.js'
import { edgeOf } from './inbound/edge.js'
import { hungUp } from './inbound/hung-up.js'
import { RequestView } from './inbound/request-view.js'

/** The connection that a request came on; what a platform does not tell stays undefined. */
export interface WebConnection {
  /** Address of the other end, as text. */
  readonly remoteAddress?: string | undefined
  /** Port of this process that it came to. */
  readonly localPort?: number | undefined
}

export interface WebOptions extends InboundOptions {
  /**
   * Finds the connection of a request, which a `Request` does not know: given what the platform gives with it, such as
   * `(_, info) => ({ remoteAddress: info.remoteAddr.hostname })` for Deno. Without it, `addresses` and `ports` of a policy are in doubt:
   * a `deny` rule matches, an `allow` rule does not.
   */
  readonly connection?: ((request: Request, ...platform: never[]) => WebConnection) | undefined
}

/** A handler of web-standard requests, as Hono, Deno, Bun and many others take it. */
export type WebHandler = (request: Request, context: RequestMesh) => Response | Promise<Response>

/**
 * Puts the mesh in front of a web-standard handler: only what `policy` allows to verified callers reaches it, and it is
 * told who calls. Everything else is answered with a problem (RFC 9457). Throws `MESH_ERR_OPTION`.
 */
export function webMesh(
  mesh: InboundMesh,
  options: WebOptions,
  handler: WebHandler,
): (request: Request, ...platform: unknown[]) => Promise<Response> {
  const { connection = () => ({}), ...rest } = plainObject(options, 'options') as WebOptions
  const handle = edgeOf(mesh, rest)
  const respond = callable<WebHandler>('a function that answers a request')(handler, 'handler')
  const connectionOf = callable<(request: Request, ...platform: unknown[]) => WebConnection>('a function')(connection, 'connection')
  return async (request, ...platform) => {
    const { protocol, pathname, search, host } = new URL(request.url)
    const { signal } = request
    const cancellation = new Cancellation()
    const hangUp = (): void => cancellation.cancel(hungUp(signal.reason))
    if (signal.aborted) hangUp()
    else signal.addEventListener('abort', hangUp, { once: true })
    let response: Response | undefined
    try {
      const { status, answer } = await handle({
        method: request.method,
        target: pathname + search,
        scheme: protocol === 'https:' ? 'https' : 'http',
        ...known(connectionOf(request, ...platform)),
        cancellation,
        // Platforms may keep the host in the URL alone.
        header: (name) => request.headers.get(name) ?? (name === 'host' ? host : undefined),
        async proceed(inbound) {
          response = await respond(request, new RequestView(inbound))
          if (inbound.loadReport !== undefined) response = withHeader(response, LOAD_REPORT_HEADER, inbound.loadReport())
          if (inbound.chain.spent && isFailure(response.status)) response = withHeader(response, RETRIED_HEADER, '1')
          return { status: response.status, route: undefined, aborted: false, answer: undefined }
        },
      })
      return response ?? new Response(answer?.body ?? null, { status, headers: answer?.headers ?? {} })
    } finally {
      // Some platforms abort the signal of a request that is answered, too; what was begun by then is not to end of it.
      signal.removeEventListener('abort', hangUp)
    }
  }
}

/** What is no address or no port is not known: a policy must not judge by it. */
function known({ remoteAddress, localPort }: WebConnection): { remoteAddress: string | undefined; localPort: number | undefined } {
  return {
    remoteAddress: typeof remoteAddress === 'string' && isIP(remoteAddress) !== 0 ? remoteAddress : undefined,
    localPort: Number.isInteger(localPort) ? localPort : undefined,
  }
}

/** The response with one field more, unless it has it already; a copy, since the headers of a fetched response cannot be changed. */
function withHeader(response: Response, name: string, value: string): Response {
  if (response.headers.has(name)) return response
  const headers = new Headers(response.headers)
  headers.set(name, value)
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
