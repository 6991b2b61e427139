// One instance of the service `users` that answers everybody with its port. It stands in the registries that REGISTRIES names,
// and leaves them on SIGTERM.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { etcd } from '../../../src/discovery/etcd.js'
import { consul, createMesh } from '../../../src/index.js'

const ttlMs = Number(process.env.TTL_MS ?? 15_000)
const known = { consul: () => consul({ ttlMs }), etcd: () => etcd({ ttlMs }) }
const named = (process.env.REGISTRIES ?? '').split(',').filter(Boolean) as (keyof typeof known)[]
const meshes = named.map((name) => createMesh({ service: 'users', registry: known[name]() }))

const server = createServer((_request, response) => response.end(`${port}`)).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
await Promise.all(meshes.map((mesh) => mesh.register({ id: `users-${port}`, host: '127.0.0.1', port })))
process.stdout.write(`serves on ${port}\n`)

process.once('SIGTERM', () => {
  void Promise.all(meshes.map((mesh) => mesh.close())).then(() => process.exit())
})
