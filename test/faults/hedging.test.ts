import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { createMesh, fixed, type Mesh, type ServiceOptions } from '../../src/index.js'

/** Five instances that answer after a while, and count what they are asked. */
class Instances {
  requests = 0
  /** How long the next answer takes. */
  workMs: () => number = () => 0

  async start(): Promise<string[]> {
    return Promise.all(
      Array.from({ length: 5 }, async () => {
        const server = createServer((_request, response) => {
          this.requests++
          setTimeout(() => response.end('done'), this.workMs())
        })
        await once(server.listen(0, '127.0.0.1'), 'listening')
        onTestFinished(() => {
          server.closeAllConnections()
          server.close()
        })
        return `127.0.0.1:${(server.address() as AddressInfo).port}`
      }),
    )
  }
}

function caller(endpoints: string[], hedge: ServiceOptions['hedge']): Mesh {
  // Every instance straggles alike: there is nothing to learn about one of them.
  const mesh = createMesh({ service: 'orders', registry: fixed({ users: endpoints }), services: { users: { hedge, balancer: { algorithm: 'random' } } } })
  onTestFinished(() => mesh.close())
  return mesh
}

/** Calls, so many at a time; how long each took, in order of length. */
async function latencies(mesh: Mesh, calls: number, atATime = 8): Promise<number[]> {
  const took: number[] = []
  let left = calls
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      while (left-- > 0) {
        const startedAt = performance.now()
        await (await mesh.service('users').get('/')).text()
        took.push(performance.now() - startedAt)
      }
    }),
  )
  return took.sort((a, b) => a - b)
}

const percentile = (sorted: readonly number[], share: number): number => sorted[Math.ceil(sorted.length * share) - 1]!

describe('hedging', () => {
  it('cuts p99.9 to less than half where one answer in a hundred takes much longer, for at most 5 % more requests', async () => {
    const figures: Record<'plain' | 'hedged', { p50: number; p99: number; p999: number; extra: number }> = {} as never
    for (const [name, percentileToWait] of [['plain', 0], ['hedged', 0.95]] as const) {
      const random = seededRandom(42)
      const instances = new Instances()
      instances.workMs = () => (random() < 0.01 ? 1_000 : 5 + 10 * random())
      const mesh = caller(await instances.start(), { percentile: percentileToWait })
      await latencies(mesh, 500)
      instances.requests = 0
      const sorted = await latencies(mesh, 6_000)
      figures[name] = { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), p999: percentile(sorted, 0.999), extra: instances.requests / 6_000 }
    }
    for (const [name, { p50, p99, p999, extra }] of Object.entries(figures)) {
      process.stdout.write(`${name}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, p99.9 ${p999.toFixed(1)} ms, ${extra.toFixed(4)} requests a call\n`)
    }
    expect(figures.plain.p999 / figures.hedged.p999).toBeGreaterThanOrEqual(2)
    expect(figures.hedged.extra).toBeLessThanOrEqual(1.05)
    expect(figures.hedged.extra).toBeGreaterThan(1)
  })

  it('L04 adds at most 5 % when everything becomes three times as slow, and then nothing at all', async () => {
    const random = seededRandom(42)
    const instances = new Instances()
    let slower = 1
    instances.workMs = () => slower * (40 + 20 * random())
    const mesh = caller(await instances.start(), { percentile: 0.95 })
    let calls = 0
    let running = true
    const load = Promise.all(
      Array.from({ length: 16 }, async () => {
        while (running) {
          calls++
          await (await mesh.service('users').get('/')).text()
        }
      }),
    )
    await pause(20_000)
    const extraOver = async (ms: number): Promise<number> => {
      const before = { calls, requests: instances.requests }
      await pause(ms)
      return (instances.requests - before.requests) / (calls - before.calls) - 1
    }
    slower = 3
    const atFirst = await extraOver(15_000)
    const then = await extraOver(10_000)
    slower = 1
    running = false
    await load
    process.stdout.write(`three times as slow: ${(atFirst * 100).toFixed(2)} % more requests in the first 15 s, ${(then * 100).toFixed(2)} % in the 10 s after\n`)
    expect(atFirst).toBeLessThanOrEqual(0.05)
    // What is under way when the counting begins and ends may differ by a few.
    expect(then).toBeLessThan(0.005)
  })
})
