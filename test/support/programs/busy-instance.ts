// One instance of the service `users` whose every request blocks the event loop for WORK_MS. It tells what became of them when asked.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expressMesh } from '../../../src/express.js'
import { consul, createMesh, type InboundOptions } from '../../../src/index.js'

const { CONSUL_HTTP_ADDR, WORK_MS, SHED } = process.env
const mesh = createMesh({ service: 'users', registry: consul(), identity: { issuer: CONSUL_HTTP_ADDR! } })
const refusalsMs: number[] = []
const app = express()
app.use((_, response, next) => {
  const arrivedAt = performance.now()
  const end = response.end.bind(response) as (...body: unknown[]) => typeof response
  response.end = (...body: unknown[]): typeof response => {
    if (response.statusCode === 503) refusalsMs.push(performance.now() - arrivedAt)
    return end(...body)
  }
  next()
})
app.use(
  expressMesh(mesh, {
    policy: { allow: [{ from: ['orders'] }] },
    health: true,
    exempt: ['/report'],
    ...(SHED !== undefined && { shed: JSON.parse(SHED) as NonNullable<InboundOptions['shed']> }),
  }),
)
app.get('/report', (_, response) => {
  refusalsMs.sort((a, b) => a - b)
  response.json({ refusals: refusalsMs.length, p50Ms: refusalsMs[refusalsMs.length >> 1], p99Ms: refusalsMs[Math.floor(refusalsMs.length * 0.99)], inbound: mesh.snapshot().inbound })
})
app.get('/work', (_, response) => {
  const untilMs = performance.now() + Number(WORK_MS)
  while (performance.now() < untilMs);
  response.json({})
})
const server = createServer(app).listen(0, '127.0.0.1')
mesh.attach(server)
await once(server, 'listening')
const { port } = server.address() as AddressInfo
await mesh.register({ host: '127.0.0.1', port })
process.stdout.write(`registered on ${port}\n`)
