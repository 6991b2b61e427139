// Calls `users` at PORTS, more often at the same time than it may open sockets, then again when there are descriptors again. Tells
// what became of the calls.
import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { meshErrorIn } from '../../../src/base/errors.js'
import { createMesh, fixed } from '../../../src/index.js'

const users = process.env.PORTS!.split(',').map((port) => `127.0.0.1:${port}`)
const patience = { timeoutMs: 60_000, attemptTimeoutMs: 50_000 }
const mesh = createMesh({ service: 'orders', registry: fixed({ users }), services: { users: patience }, transport: { keepAliveMs: 200 } })
const descriptors = (): number => readdirSync('/dev/fd').length
const atFirst = descriptors()
await mesh.ready()
let ejections = 0
mesh.on('ejected', () => ejections++)

const call = async (path: string): Promise<string> => {
  try {
    const reply = await mesh.service('users').get(path)
    await reply.text()
    return `${reply.status}`
  } catch (error) {
    const failure = meshErrorIn(error)
    return failure === undefined ? String(error) : `${failure.code} ${failure.processed}`
  }
}
const counts: Record<string, number> = {}
const callMany = async (path: string, times: number, onResult: () => void = () => {}): Promise<void> => {
  await Promise.all(
    Array.from({ length: times }, async () => {
      const result = await call(path)
      counts[result] = (counts[result] ?? 0) + 1
      onResult()
    }),
  )
}
const tell = (name: string): void => {
  process.stdout.write(`${name} ${JSON.stringify({ ...counts, ejections })}\n`)
  for (const result of Object.keys(counts)) delete counts[result]
}

let failures = 0
await callMany('/held', 300, () => {
  if (failures++ === 0) process.stdout.write('first failure\n')
})
tell('during')
// Idle connections are given up after a while.
while (descriptors() > atFirst + 5) await pause(20)
for (let i = 0; i < 10; i++) await callMany('/', 5)
tell('after')
await mesh.close()
