// A collector of telemetry that takes what comes, or ails as its argument says.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type CollectorMood = 'well' | 'hangs' | 'refuses' | 'drips' | 'cuts'

const mood = process.argv[2] as CollectorMood

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (mood === 'cuts') return void request.socket.destroy()
  request.resume()
  if (mood === 'hangs') return
  if (mood === 'refuses') return void response.writeHead(503, { 'retry-after': '1' }).end()
  response.writeHead(200, { 'content-type': 'application/json' })
  if (mood === 'well') return void response.end('{}')
  const dripping = setInterval(() => response.write(' '), 200)
  response.once('close', () => clearInterval(dripping))
}

const server = createServer(answer)
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
