// Serves, registers, calls itself through the mesh, closes twice and then has nothing left to do.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { expressMesh } from '../../../src/express.js'
import { consul, createMesh } from '../../../src/index.js'

const mesh = createMesh({
  service: 'users',
  registry: consul(),
  identity: { issuer: process.env['CONSUL_HTTP_ADDR']!, clientSecret: 'hush' },
  services: { users: {} },
})
const app = express()
app.use(expressMesh(mesh, { policy: { allow: [{ from: ['users'] }] } }))
app.post('/', (request, response) => void request.pipe(response))
const server = createServer(app).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo

const listed = new Promise<void>((resolve) => mesh.on('endpoints', ({ ready }) => ready > 0 && resolve()))
await mesh.register({ host: '127.0.0.1', port })
await mesh.ready()
await listed
const reply = await mesh.service('users').post('/', { json: { hello: 'mesh' } })
process.stdout.write(`${reply.status} ${await reply.text()}\n`)

// The server closes with the last of its connections: it must not be the mesh that keeps one.
server.close()
await Promise.all([mesh.close(), mesh.close()])
await mesh.close()
process.stdout.write('closed\n')
