// One instance of the service `users` that is told to end. It writes the id of each request that it has begun into LEDGER.
import { appendFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { expressMesh } from '../../../src/express.js'
import { consul, createMesh } from '../../../src/index.js'

const { CONSUL_HTTP_ADDR, LEDGER, ON_SIGTERM, DRAIN, TTL_MS, INSTANCE_ID } = process.env
const mesh = createMesh({
  service: 'users',
  registry: consul({ ttlMs: Number(TTL_MS ?? 15_000) }),
  identity: { issuer: CONSUL_HTTP_ADDR! },
})
const app = express()
app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders'] }] }, health: true }))
app.all('/busy/:ms', async (request, response) => {
  if (LEDGER !== undefined) appendFileSync(LEDGER, `${request.get('x-request-id')}\n`)
  await pause(Number(request.params.ms))
  response.json({ method: request.method })
})
const server = createServer(app).listen(0, '127.0.0.1')
await once(server, 'listening')

const failLater = (): void => {
  setTimeout(() => {
    throw new Error('while draining')
  }, 50)
}
switch (ON_SIGTERM) {
  case 'close first':
    process.once('SIGTERM', () => server.close(() => void mesh.close().then(() => process.exit())))
    break
  case 'fail':
    process.on('SIGTERM', failLater)
    break
  case 'fail unnoticed':
    process.on('uncaughtException', () => {})
    process.on('SIGTERM', failLater)
    break
}
if (ON_SIGTERM !== 'close first') {
  mesh.attach(server)
  mesh.handleSignals({ ...(JSON.parse(DRAIN ?? '{}') as object), drained: () => void process.stdout.write('drained\n') })
}

process.once('SIGTERM', () => void process.stdout.write('draining\n'))

const { port } = server.address() as AddressInfo
await mesh.register({ host: '127.0.0.1', port, ...(INSTANCE_ID !== undefined && { id: INSTANCE_ID }) })
process.stdout.write(`registered on ${port}\n`)
