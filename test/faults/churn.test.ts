import { readdirSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { memory } from '../../src/discovery/memory.js'
import { createMesh } from '../../src/index.js'
import { collectGarbage } from '../support/collect-garbage.js'
import { startServers } from '../support/servers.js'

const ROUNDS = 100
const SIZE = 1_000
/** Called of each round's endpoints: each of them opens a connection of its own. */
const CALLS = 100
/** By then everything has been done that is done once. */
const SETTLED = 10

interface Held {
  readonly heapMiB: number
  readonly descriptors: number
  readonly series: number
}

describe('endpoints that come and go', () => {
  it('Y02 are forgotten: a hundred thousand leave no descriptor, no series and at most 5 MiB of heap behind', async () => {
    const { addresses } = await startServers(1)
    const [host, port] = addresses[0]!.split(':') as [string, string]
    const registry = memory()
    const mesh = createMesh({ service: 'orders', registry, services: { users: { balancer: { algorithm: 'round-robin' } } } })
    onTestFinished(() => mesh.close())
    const users = mesh.service('users')

    const round = async (number: number): Promise<void> => {
      const told = new Promise<void>((resolve) => {
        const stop = mesh.on('endpoints', ({ ready }) => {
          if (ready !== SIZE || !mesh.explain('users').endpoints.some(({ id }) => id.startsWith(`users-${number}-`))) return
          stop()
          resolve()
        })
      })
      registry.set('users', Array.from({ length: SIZE }, (_, i) => ({ id: `users-${number}-${i}`, host, port: Number(port) })))
      await told
      await Promise.all(Array.from({ length: CALLS }, async () => (await users.get('/')).text()))
    }
    const held = async (): Promise<Held> => {
      // None is left of what has gone, so that nobody counts it as one that will still go.
      await expect.poll(() => mesh.explain('users').endpoints.length, { timeout: 10_000 }).toBe(SIZE)
      await collectGarbage()
      return {
        heapMiB: process.memoryUsage().heapUsed / 2 ** 20,
        descriptors: readdirSync('/proc/self/fd').length,
        series: mesh.metrics().split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
      }
    }

    for (let number = 0; number < SETTLED; number++) await round(number)
    const before = await held()
    for (let number = SETTLED; number < ROUNDS; number++) await round(number)
    const after = await held()
    process.stdout.write(`Y02: ${JSON.stringify(before)} → ${JSON.stringify(after)}\n`)
    expect(after.heapMiB).toBeLessThanOrEqual(before.heapMiB + 5)
    // The connections of the round that stands may still be open.
    expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + CALLS)
    // Each of those that stand has four, once it was heard of.
    expect(after.series).toBeLessThanOrEqual(before.series + 4 * CALLS)
  })
})
