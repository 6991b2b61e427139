import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, RequestMesh } from './call/inbound.js'
import { edgeOf } from './inbound/edge.js'
import { answered, nodeArrival, sendable, tellCaller } from './inbound/node-edge.js'
import { RequestView } from './inbound/request-view.js'
import type { InboundMesh } from './inbound.js'
import type { InboundOptions } from './inbound-options.js'

declare global {
  // The name by which Express lets its request be extended; without Express it is an unused type.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Request {
      mesh: RequestMesh
    }
  }
}

interface ExpressRequest extends IncomingMessage {
  readonly originalUrl: string
  readonly baseUrl: string
  readonly route?: { readonly path?: unknown }
  mesh: RequestMesh
}

/**
 * Middleware for Express 5 and 4 that lets pass only what `policy` allows to verified callers, who are then found in
 * `req.mesh.peer`. Everything else is answered with a problem (RFC 9457) and does not reach the application.
 *
 * Use it first: it judges the path that the request came with, and guards what is mounted after it.
 * Throws `MESH_ERR_OPTION`.
 */
export function expressMesh(
  mesh: InboundMesh,
  options: InboundOptions,
): (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => void {
  const handle = edgeOf(mesh, options)
  return (request, response, next) => {
    const arrival = nodeArrival(request, response, request.originalUrl, (inbound) => {
      request.mesh = new RequestView(inbound)
      tellCaller(response, inbound)
      const reply = answered(response, () => routeOf(request))
      next()
      return reply
    })
    handle(arrival).then(async ({ answer }) => {
      if (answer === undefined) return
      await sendable(request, answer)
      send(response, answer)
    }, next)
  }
}

function routeOf({ baseUrl, route }: ExpressRequest): string | undefined {
  // A route may also be given as a regular expression or a list, which is no template.
  return typeof route?.path === 'string' ? baseUrl + route.path : undefined
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  if (!response.headersSent) response.writeHead(status, headers).end(body)
}
