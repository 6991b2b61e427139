import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createMesh, memory } from '../../src/index.js'

const SLOTS = 30
const SERVICE_MS = 100

interface Result {
  readonly perSec: number
  readonly meanMs: number
  /** The most that waited at the server in the second half of the time. */
  readonly queue: number
  readonly limit: number
}

/** A server that works on so many at a time and has the rest wait, and three hundred callers that never rest. */
async function saturate(adaptive: boolean): Promise<Result> {
  const halfAt = performance.now() + 10_000
  const waiting: ServerResponse[] = []
  let busy = 0
  let queue = 0
  const work = (response: ServerResponse): void => {
    busy++
    setTimeout(() => {
      busy--
      response.end()
      const next = waiting.shift()
      if (next !== undefined) work(next)
    }, SERVICE_MS)
  }
  const server = createServer((_, response) => {
    if (busy < SLOTS) return work(response)
    waiting.push(response)
    if (performance.now() > halfAt) queue = Math.max(queue, waiting.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const registry = memory()
  registry.set('users', [`127.0.0.1:${(server.address() as AddressInfo).port}`])
  const mesh = createMesh({ service: 'orders', registry, services: { users: { timeoutMs: 60_000, attemptTimeoutMs: 60_000, limits: { adaptive, maxInFlight: 250, maxWaiting: 1_000 } } } })
  onTestFinished(async () => {
    await mesh.close()
    server.closeAllConnections()
    server.close()
  })
  await mesh.ready()
  let answered = 0
  let sumMs = 0
  const ask = async (): Promise<void> => {
    while (performance.now() < halfAt + 10_000) {
      const calledAt = performance.now()
      await (await mesh.service('users').get('/')).bytes()
      if (calledAt < halfAt) continue
      answered++
      sumMs += performance.now() - calledAt
    }
  }
  await Promise.all(Array.from({ length: 300 }, ask))
  return { perSec: answered / 10, meanMs: sumMs / answered, queue, limit: mesh.snapshot().services['users']!.limits.limit }
}

it('an adaptive limit finds about what a queueing server can work on, and has the rest wait where it can be bounded', async () => {
  const fixed = await saturate(false)
  const adaptive = await saturate(true)
  for (const [name, { perSec, meanMs, queue, limit }] of Object.entries({ fixed, adaptive })) {
    process.stdout.write(`${name} limit: ${perSec.toFixed(0)}/s, mean ${meanMs.toFixed(0)} ms, at most ${queue} waited at the server, limit ${limit}\n`)
  }
  expect(adaptive.limit).toBeGreaterThanOrEqual(20)
  expect(adaptive.limit).toBeLessThanOrEqual(4 * SLOTS)
  expect(adaptive.queue).toBeLessThan(fixed.queue / 2)
  expect(adaptive.perSec).toBeGreaterThan(0.7 * fixed.perSec)
})
