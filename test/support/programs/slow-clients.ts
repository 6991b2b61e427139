// A thousand clients that never finish sending their request: another header field every few seconds, for ever.
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const port = Number(process.argv[2])
const COUNT = 1_000
let connected = 0
const closedAfterMs: number[] = []
const sockets = []
for (let i = 0; i < COUNT; i++) {
  const openedAt = performance.now()
  const socket = connect(port, '127.0.0.1', () => {
    if (++connected === COUNT) process.stdout.write('all connected\n')
  })
  socket.write('GET /work HTTP/1.1\r\nhost: users\r\n')
  socket.on('error', () => {}).resume().once('close', () => {
    closedAfterMs.push(performance.now() - openedAt)
    if (closedAfterMs.length === COUNT) process.stdout.write(`all closed after ${Math.ceil(Math.max(...closedAfterMs))} ms, the first after ${Math.floor(Math.min(...closedAfterMs))} ms\n`)
  })
  sockets.push(socket)
  if (i % 50 === 0) await pause(10)
}
while (closedAfterMs.length < COUNT) {
  await pause(5_000)
  for (const socket of sockets) if (socket.writable) socket.write('x-slow: 1\r\n')
}
