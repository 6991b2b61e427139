// One instance of the service `users` that answers everybody with a kilobyte, until it is stopped.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const KILOBYTE = 'x'.repeat(1024)

const server = createServer((request, response) => {
  request.resume().on('end', () => response.end(KILOBYTE))
}).listen(0, '127.0.0.1', () => {
  process.stdout.write(`serves on ${(server.address() as AddressInfo).port}\n`)
})
