// One instance of the service `users`, registered at the address that its parent says. It tells its condition when asked.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { expressMesh } from '../../src/express.js'
import { consul, createMesh } from '../../src/index.js'
import { watchCondition } from './condition.js'

const WORK_MS = 10
const KIB = Buffer.alloc(1_024, 'x')
const MANY_KIB = Buffer.alloc(64 * 1_024, 'x')

const condition = watchCondition()
const mesh = createMesh({ service: 'users', registry: consul(), identity: { issuer: process.env.CONSUL_HTTP_ADDR! } })
const app = express()
app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders'] }] } }))
app.get('/short', async (_, response) => {
  await pause(WORK_MS)
  response.end(KIB)
})
app.get('/long', async (_, response) => {
  await pause(WORK_MS)
  response.end(MANY_KIB)
})
app.post('/echo', express.json(), async (request, response) => {
  await pause(WORK_MS)
  response.json(request.body)
})
const server = createServer(app).listen(0, '127.0.0.1')
mesh.attach(server)
await once(server, 'listening')

process.on('disconnect', () => process.exit())
process.on('message', (message: { readonly registerAt?: number }) => {
  if (message.registerAt === undefined) void condition().then((told) => process.send!({ condition: told }))
  else void mesh.register({ host: '127.0.0.1', port: message.registerAt }).then(() => process.send!({ registered: true }))
})
process.send!({ port: (server.address() as AddressInfo).port })
