import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type {} from 'fastify'
import type { RequestMesh } from './call/inbound.js'
import { edgeOf } from './inbound/edge.js'
import { answered, nodeArrival, sendable, tellCaller } from './inbound/node-edge.js'
import { RequestView } from './inbound/request-view.js'
import type { InboundMesh } from './inbound.js'
import type { InboundOptions } from './inbound-options.js'

declare module 'fastify' {
  interface FastifyRequest {
    mesh: RequestMesh
  }
}

interface Request {
  readonly raw: IncomingMessage
  readonly routeOptions?: { readonly url?: string | undefined }
  mesh: RequestMesh
}

interface Reply {
  readonly raw: ServerResponse
  code(status: number): Reply
  headers(headers: Record<string, string>): Reply
  send(body: string): unknown
}

type Hook = (request: Request, reply: Reply, done: (error?: Error) => void) => void

interface Instance {
  decorateRequest(name: 'mesh', value: null): unknown
  readonly server: Server
  addHook(name: 'onRequest', hook: Hook): unknown
  addHook(name: 'onReady', hook: () => Promise<void>): unknown
  /** Of the loader that instances are made with, and not among their declared types; what is added last runs first. */
  onClose?(task: () => Promise<void>): unknown
}

export interface FastifyMeshOptions extends InboundOptions {
  readonly mesh: InboundMesh
}

/**
 * Plugin for Fastify 5 and 4 that lets pass only what `policy` allows to verified callers, who are then found in
 * `request.mesh.peer`. Everything else is answered with a problem (RFC 9457) and does not reach a handler. It guards
 * every route of the instance on which it is registered, and `close()` of that instance leaves the registry first. Throws `MESH_ERR_OPTION`.
 */
export async function fastifyMesh(instance: Instance, { mesh, ...options }: FastifyMeshOptions): Promise<void> {
  const handle = edgeOf(mesh, options)
  instance.decorateRequest('mesh', null)
  instance.addHook('onRequest', (request, reply, next) => {
    // The router goes by the raw request, in which `rewriteUrl` has left its mark.
    const arrival = nodeArrival(request.raw, reply.raw, request.raw.url ?? '', (inbound) => {
      request.mesh = new RequestView(inbound)
      tellCaller(reply.raw, inbound)
      const answer = answered(reply.raw, () => request.routeOptions?.url)
      next()
      return answer
    })
    handle(arrival).then(async ({ answer }) => {
      if (answer === undefined) return
      await sendable(request.raw, answer)
      reply.code(answer.status).headers({ ...answer.headers }).send(answer.body)
    }, next)
  })
  // HTTP/2 ends its connections with GOAWAY, and Fastify sees to that itself.
  if ('closeIdleConnections' in instance.server) mesh.attach(instance.server)
  // Callers must have heard of it before Fastify closes, and `preClose` is too late: by then it answers 503 to everything.
  // What is added when all is ready runs before that.
  instance.addHook('onReady', async () => void instance.onClose?.(() => mesh.leave()))
}

Object.assign(fastifyMesh, {
  // Without a scope of its own: a plugin's hooks would otherwise guard nothing but the plugin.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'sidecarless',
})
