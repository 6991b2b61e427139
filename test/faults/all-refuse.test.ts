import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMesh, fixed } from '../../src/index.js'

describe('an outage of a whole service', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['refuse before any work, without a breaker', { 'mesh-not-processed': '1' }, false],
    ['ask for a pause, with every default', { 'retry-after': '0' }, true],
  ])('L01 is answered with at most a fifth more attempts than calls, and three a call, when for a minute all %s', async (what, headers, hasBreaker) => {
    const arrived = new Map<string, number>()
    const servers = Array.from({ length: 5 }, () =>
      createServer((request, response) => {
        const id = String(request.headers['x-id'])
        arrived.set(id, (arrived.get(id) ?? 0) + 1)
        response.writeHead(503, headers).end()
      }).listen(0, '127.0.0.1'),
    )
    onTestFinished(() => {
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
    })
    for (const server of servers) if (!server.listening) await once(server, 'listening')
    const breaker = hasBreaker ? {} : { failureRatio: 1, minCalls: 1_000_000 }
    const mesh = createMesh({
      service: 'orders',
      registry: fixed({ users: servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`) }),
      services: { users: { breaker } },
    })
    onTestFinished(() => mesh.close())
    let retried = 0
    let denied = 0
    mesh.on('retried', () => void retried++)
    mesh.on('retryDenied', () => void denied++)

    let calls = 0
    const underWay: Promise<unknown>[] = []
    const startedAt = performance.now()
    while (performance.now() - startedAt < 60_000) {
      // A hundred a second, whatever becomes of the calls before.
      while (calls < (performance.now() - startedAt) / 10) {
        const id = String(calls++)
        underWay.push(mesh.service('users').get('/', { headers: { 'x-id': id } }).then((reply) => reply.text(), () => {}))
      }
      await pause(10)
    }
    await Promise.all(underWay)
    const attempts = [...arrived.values()].reduce((sum, count) => sum + count, 0)
    process.stdout.write(`all ${what}: ${calls} calls, ${attempts} attempts (${(attempts / calls).toFixed(3)}), ${retried} tried again, ${denied} not for lack of budget\n`)
    // To two digits: in a second in which the machine stands still there are so few calls that the floor counts.
    expect(Math.round((attempts / calls) * 100) / 100).toBeLessThanOrEqual(1.2)
    expect(Math.max(...arrived.values())).toBeLessThanOrEqual(3)
    if (!hasBreaker) expect(denied).toBeGreaterThan(0)
  })
})
