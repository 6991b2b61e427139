/** What TypeScript must be able to say about the package, beside the README's own code. */
export const consumer = `
import express from 'express'
import fastify from 'fastify'
import { request, type Dispatcher } from 'undici'
import { consul, createMesh, file, fixed, isMeshError, memory, type Mesh, type Peer, type Registry } from 'sidecarless'
import { expressMesh } from 'sidecarless/express'
import { fastifyMesh } from 'sidecarless/fastify'
import { createControlPlane, seededRandom } from 'sidecarless/testing'
import { webMesh } from 'sidecarless/web'

const registries: Registry[] = [consul(), file('services.json'), fixed({ users: ['127.0.0.1:8081'] }), memory()]
await using mesh: Mesh = createMesh({
  service: 'orders',
  registry: registries[0]!,
  identity: { issuer: 'http://127.0.0.1:7117', clientSecret: process.env.MESH_CLIENT_SECRET },
  services: {
    users: {
      balancer: { algorithm: 'least-loaded' },
      timeoutMs: 800,
      fallback: ({ path }, { code }) => (code === 'MESH_ERR_BREAKER_OPEN' ? { json: { path } } : undefined),
    },
  },
})
await mesh.ready()
await mesh.register({ port: 8081 })

const fetched: typeof globalThis.fetch = mesh.fetch
const dispatcher: Dispatcher = mesh.dispatcher
const status: number = (await mesh.service('users').get('/users/{id}', { params: { id: 42 } })).status
const same: Response = await fetched('http://users/users/42')
const body: unknown = await (await request('http://users/users/42', { dispatcher })).body.json()
mesh.on('denied', ({ code, reason }) => console.log(code satisfies string, reason satisfies string))
if (isMeshError(body, 'MESH_ERR_DEADLINE')) console.log(status, same.ok, mesh.snapshot(), mesh.explain('users'))

mesh.breaker('users').on('success', (reply, latencyMs) => console.log(reply.status, latencyMs satisfies number))
const left: Promise<number> = mesh.detach(async () => mesh.breaker('users').stats.rejects)

const policy = { allow: [{ from: ['orders'], methods: ['GET'], paths: ['/users/:id'] }] }
const app = express()
app.use(expressMesh(mesh, { policy }))
app.get('/', (req) => {
  const peer: Peer | undefined = req.mesh.peer
  console.log(peer?.service, req.mesh.signal.aborted)
})
const server = fastify()
await server.register(fastifyMesh, { mesh, policy })
server.get('/', async (request) => {
  const peer: Peer | undefined = request.mesh.peer
  return peer?.service
})
const handler = webMesh(mesh, { policy }, async (_request, { peer, signal }) => new Response(signal.aborted ? String(await left) : peer?.service))
await (await createControlPlane({ port: 0, random: seededRandom(1) })).close()
export const answer: Response = await handler(new Request('http://orders/'))

// @ts-expect-error an option that does not exist
createMesh({ service: 'orders', registry: memory(), timeout: 5 })
// @ts-expect-error an algorithm that does not exist
createMesh({ service: 'orders', registry: memory(), services: { users: { balancer: { algorithm: 'best' } } } })
`

/** A call through the installed package, in a process that must then end by itself; \`load\` brings in its doors. */
export const call = (load: string): string => `
${load}
async function main() {
  const plane = await createControlPlane({ port: 0, clients: { orders: 's' } })
  const server = createServer((request, response) => response.end(request.headers.authorization.split('.').length + ' parts'))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const mesh = createMesh({
    service: 'orders',
    registry: fixed({ users: ['127.0.0.1:' + server.address().port] }),
    identity: { issuer: plane.url, clientSecret: 's' },
  })
  console.log(await (await mesh.fetch('http://users/')).text())
  console.log(await (await mesh.service('users').get('/')).text())
  await mesh[Symbol.asyncDispose]()
  await plane.close()
  server.close()
}
main()
`
