// The user service, with Fastify: it knows users, and tells them to the order service only.
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import Fastify from 'fastify'
import { createMesh } from 'sidecarless'
import { fastifyMesh } from 'sidecarless/fastify'
import { startTelemetry } from 'sidecarless/otel'
import { registry } from './registry.js'

const controlPlane = process.env.CONSUL_HTTP_ADDR ?? 'http://127.0.0.1:7117'
const instance = process.env.INSTANCE ?? 'users-1'
const workMs = Number(process.env.WORK_MS ?? 5)

const telemetry = await startTelemetry({ service: 'users', endpoint: controlPlane, spanIntervalMs: 500, metricIntervalMs: 2_000 })
const mesh = createMesh({
  service: 'users',
  registry: registry(),
  identity: { issuer: controlPlane, clientSecret: process.env.MESH_CLIENT_SECRET },
})

const app = Fastify()
await app.register(fastifyMesh, {
  mesh,
  policy: { allow: [{ from: ['orders'], methods: ['GET'], paths: ['/users/:id'] }] },
  exempt: ['/metrics'],
})

app.get<{ Params: { id: string } }>('/users/:id', async (request) => {
  await pause(workMs)
  const { id } = request.params
  return { id, name: `User ${id}`, servedBy: instance, askedBy: request.mesh.peer?.service }
})

// For Prometheus, which finds the instances by the control plane and brings no token.
app.get('/metrics', (_request, reply) => reply.type('text/plain; version=0.0.4').send(mesh.metrics()))

await app.listen({ host: '127.0.0.1', port: 0 })
const { port } = app.server.address() as AddressInfo
await mesh.register({ id: instance, host: '127.0.0.1', port })
console.log(`${instance} listens on port ${port}`)

process.once('SIGTERM', () => void stop())

async function stop(): Promise<void> {
  // First leave the mesh, then stop listening: in this order no request is lost.
  await mesh.close()
  await app.close()
  await telemetry.shutdown()
}
