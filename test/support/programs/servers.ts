// As many servers as are asked for, each of which behaves as its parent says; tells the parent their ports.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Behaviour } from '../servers.js'

const BODY = 'x'.repeat(1_024)
const WELL: Behaviour = { workMs: 10 }

interface Standing {
  readonly server: Server
  readonly port: number
  behaviour: Behaviour
}

async function open(): Promise<Standing> {
  let requests = 0
  const server = createServer((request, response) => {
    const { workMs = 0, status = 200, retryAfterSec, breaksEvery } = standing.behaviour
    if (breaksEvery !== undefined && ++requests % breaksEvery === 0) return void request.socket.destroy()
    if (retryAfterSec !== undefined) response.setHeader('retry-after', retryAfterSec)
    setTimeout(() => response.writeHead(status).end(BODY), workMs)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const standing: Standing = { server, port: (server.address() as AddressInfo).port, behaviour: WELL }
  return standing
}

const all = await Promise.all(Array.from({ length: Number(process.argv[2]) }, open))
process.on('message', ({ at, behaviour }: { at: number; behaviour: Behaviour }) => {
  const standing = all[at]!
  const { server, port } = standing
  standing.behaviour = behaviour
  const done = (): void => void process.send!('done')
  if (behaviour.refuses === true && server.listening) {
    server.close(done)
    server.closeAllConnections()
  } else if (behaviour.refuses !== true && !server.listening) server.listen(port, '127.0.0.1', done)
  else done()
})
process.on('disconnect', () => process.exit())
process.send!(all.map(({ port }) => port))
