// The order service, with Express: to answer, it asks the user service through the mesh.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { createMesh } from 'sidecarless'
import { expressMesh } from 'sidecarless/express'
import { startTelemetry } from 'sidecarless/otel'
import { registry } from './registry.js'

const controlPlane = process.env.CONSUL_HTTP_ADDR ?? 'http://127.0.0.1:7117'
const instance = process.env.INSTANCE ?? 'orders-1'

const telemetry = await startTelemetry({ service: 'orders', endpoint: controlPlane, spanIntervalMs: 500, metricIntervalMs: 2_000 })
const mesh = createMesh({
  service: 'orders',
  registry: registry(),
  identity: { issuer: controlPlane, clientSecret: process.env.MESH_CLIENT_SECRET },
  services: { users: { balancer: { algorithm: 'least-loaded' }, timeoutMs: 2_000 } },
})
await mesh.ready()

const app = express()
app.use(
  expressMesh(mesh, {
    policy: { allow: [{ from: ['edge'], methods: ['GET'], paths: ['/orders/:id'] }] },
    exempt: ['/mesh', '/metrics'],
  }),
)

app.get('/orders/:id', async (request, response) => {
  const id = Number(request.params.id)
  const reply = await mesh.service('users').get('/users/{id}', { params: { id: id % 100 } })
  response.status(reply.status).json({ id, user: await reply.json(), servedBy: instance })
})

// What this process knows of the user service and why it calls it as it does; open to everybody, token or not.
app.get('/mesh', (_request, response) => {
  response.json(mesh.explain('users'))
})

// For Prometheus, which finds the instances by the control plane and brings no token.
app.get('/metrics', (_request, response) => {
  response.type('text/plain; version=0.0.4').send(mesh.metrics())
})

const server = createServer(app).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
await mesh.register({ id: instance, host: '127.0.0.1', port })
console.log(`${instance} listens on port ${port}`)

process.once('SIGTERM', () => void stop())

async function stop(): Promise<void> {
  // First leave the mesh, then stop listening: in this order no request is lost.
  await mesh.close()
  server.close()
  await telemetry.shutdown()
}
