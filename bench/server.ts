import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A plain server in a process of its own, so that the client's CPU is the client's alone. */
const body = JSON.stringify({ id: 42, name: 'Ada', mail: 'ada@users.example' })
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
