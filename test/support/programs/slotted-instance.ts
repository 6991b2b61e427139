// One instance that does WORK_MS of work at a time in each of SLOTS slots, first come, first served. Up to MAX_WAITING requests wait, and what
// nobody waits for any more is worked on as well. SIGUSR2 stops its work, and lets it go on.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const { SLOTS, WORK_MS, MAX_WAITING } = process.env
const waiting: (() => void)[] = []
let busy = 0
let isStalled = false

const work = (): void => {
  while (!isStalled && busy < Number(SLOTS)) {
    const answer = waiting.shift()
    if (answer === undefined) return
    busy++
    setTimeout(() => {
      busy--
      answer()
      work()
    }, Number(WORK_MS))
  }
}

const server = createServer((_, response) => {
  if (waiting.length >= Number(MAX_WAITING)) return void response.writeHead(503).end()
  waiting.push(() => response.end('done'))
  work()
}).listen(0, '127.0.0.1', () => process.stdout.write(`listens on ${(server.address() as AddressInfo).port}\n`))

process.on('SIGUSR2', () => {
  isStalled = !isStalled
  process.stdout.write(isStalled ? 'stalled\n' : 'goes on\n')
  work()
})
