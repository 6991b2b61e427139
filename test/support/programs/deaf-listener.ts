// Listens with the shortest queue there is, and is to be stopped before anybody connects: connections beyond the queue get no answer at all.
import { createServer, type AddressInfo } from 'node:net'

const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write(`listens on ${(server.address() as AddressInfo).port}\n`)
})
