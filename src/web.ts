import type { RequestMesh } from './call/inbound.js'
import type { InboundMesh, InboundOptions } from './inbound.js'

/** A handler of web-standard requests, as Hono, Deno, Bun and many others take it. */
export type WebHandler = (request: Request, context: RequestMesh) => Response | Promise<Response>

/**
 * Puts the mesh in front of a web-standard handler: only what `policy` allows to verified callers reaches it, and it is
 * told who calls. Everything else is answered with a problem (RFC 9457). Throws `MESH_ERR_OPTION`.
 */
export function webMesh(
  mesh: InboundMesh,
  options: InboundOptions,
  handler: WebHandler,
): (request: Request) => Promise<Response> {
  const handle = mesh.inbound(options)
  return async (request) => {
    const { protocol, pathname, search } = new URL(request.url)
    let response: Response | undefined
    const { problem } = await handle({
      method: request.method,
      target: pathname + search,
      scheme: protocol === 'https:' ? 'https' : 'http',
      remoteAddress: undefined,
      header: (name) => request.headers.get(name) ?? undefined,
      async proceed({ peer }) {
        response = await handler(request, { peer })
        return { status: response.status, route: undefined, aborted: false, problem: undefined }
      },
    })
    return response ?? new Response(problem!.body, { status: problem!.status, headers: problem!.headers })
  }
}
