// One instance of the service `users`, behind the mesh's door, until it is killed.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { expressMesh } from '../../../src/express.js'
import { consul, createMesh } from '../../../src/index.js'

const mesh = createMesh({ service: 'users', registry: consul(), identity: { issuer: process.env['CONSUL_HTTP_ADDR']! } })
const app = express()
app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders'], methods: ['GET'] }] } }))
app.get('/users/:id', async (request, response) => {
  await pause(10)
  response.json({ id: request.params.id })
})
const server = createServer(app).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
await mesh.register({ host: '127.0.0.1', port })
process.stdout.write(`registered on ${port}\n`)
