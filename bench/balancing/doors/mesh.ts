import type { ServerResponse } from 'node:http'
import { createMesh, fixed, type InboundOptions, type Mesh } from 'sidecarless'
import { expressMesh } from 'sidecarless/express'
import type { Answering } from './http.js'

let mesh: Mesh | undefined

/** The same answers behind the inbound side of a mesh. It needs nothing of Express but what its requests tell. */
export function behindMesh(issuer: string, inbound: InboundOptions, answering: Answering): Answering {
  mesh ??= createMesh({ service: 'work', registry: fixed({}), identity: { issuer } })
  const middleware = expressMesh(mesh, inbound) as unknown as Middleware
  return (request, response) => {
    const asRouted = Object.assign(request, { originalUrl: request.url!, baseUrl: '' })
    middleware(asRouted, response, (error) => {
      if (error === undefined) answering(request, response)
      else response.writeHead(500).end()
    })
  }
}

type Middleware = (request: object, response: ServerResponse, next: (error?: unknown) => void) => void
