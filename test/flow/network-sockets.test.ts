import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { blamed, callerOf, FIRST_TRY, healthyInstance, httpInstance, KILOBYTE, load } from '../support/network-scene.js'
import { start } from '../support/processes.js'

/** A port at which connections are neither accepted nor refused. */
async function deafPort(): Promise<number> {
  const program = start('test/support/programs/deaf-listener.ts')
  const port = Number((await program.says(/listens on (\d+)\n/))[1])
  program.kill('SIGSTOP')
  // The queue holds one more than it was told.
  for (let i = 0; i < 2; i++) {
    const socket = connect(port, '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
  }
  return port
}

describe('a connection that cannot be had', () => {
  it('N02 where SYNs are swallowed: nothing is lost, and a call waits for it once', async () => {
    const healthy = await Promise.all([1, 2, 3, 4].map(() => healthyInstance()))
    const deaf = await deafPort()
    const mesh = await callerOf([deaf, ...healthy])
    const figures = await load(mesh, { calls: 300, method: 'GET and POST' })
    expect(figures.lost).toEqual([])
    expect(figures.maxAttempts).toBe(2)
    expect(figures.extra).toBeLessThanOrEqual(1 + 8 / 300)
    expect(blamed(mesh)).toEqual([`users-${deaf}`])
    // 250 ms, and generous room for a machine that has other things to do; the next SYN would come after a second.
    expect(figures.latenciesMs.at(-1)! - figures.stalledMs).toBeLessThan(250 + 500)
    expect(figures.latenciesMs.at(-1)!).toBeGreaterThan(249)
  })

  it('N23 without descriptors the error is clear, nobody is blamed, and all is well when there are some again', { timeout: 60_000 }, async () => {
    const held: ServerResponse[] = []
    let releasing = false
    const ports = await Promise.all(
      Array.from({ length: 5 }, () =>
        httpInstance((request, response) => {
          if (request.url === '/held' && !releasing) held.push(response)
          else response.end(KILOBYTE)
        }),
      ),
    )
    const program = start('test/support/programs/caller-with-few-descriptors.ts', [], { PORTS: ports.join() }, { descriptors: 128 })
    await program.says(/first failure/)
    await expect.poll(() => held.length, { timeout: 20_000 }).toBeGreaterThan(20)
    releasing = true
    for (const response of held) response.end(KILOBYTE)
    const { code, stdout, stderr } = await program.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const said = (name: string): Record<string, number> => JSON.parse(new RegExp(`^${name} (.*)$`, 'm').exec(stdout)![1]!)
    const during = said('during')
    expect(Object.keys(during).sort()).toEqual(['200', 'MESH_ERR_NO_SOCKET no', 'ejections'])
    expect(during['MESH_ERR_NO_SOCKET no']).toBeGreaterThan(100)
    expect(said('after')).toEqual({ 200: 50, ejections: 0 })
  })

  it('N24 the cap on connections holds, so many wait, and the next one fails at once as one that was never sent', async () => {
    const MAX = 10
    const WAITING = 5
    const held: ServerResponse[] = []
    const connections = new Set<unknown>()
    const port = await httpInstance((request, response) => {
      connections.add(request.socket)
      held.push(response)
    })
    const mesh = await callerOf([port], { ...FIRST_TRY, transport: { maxConnections: MAX, maxWaiting: WAITING } })
    const calls = Array.from({ length: MAX + WAITING }, () => mesh.service('users').post('/', { body: KILOBYTE }))
    await expect.poll(() => held.length).toBe(MAX)

    const tookMs: number[] = []
    for (let i = 0; i < 21; i++) {
      const calledAt = performance.now()
      await expect(mesh.service('users').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_NO_SOCKET', processed: 'no', endpoint: `users-${port}` })
      tookMs.push(performance.now() - calledAt)
    }
    expect(tookMs.sort((a, b) => a - b)[10]).toBeLessThan(10)
    expect(blamed(mesh)).toEqual([])

    // Each that is answered makes room for one that waits.
    for (let i = 0; i < calls.length; i++) {
      await expect.poll(() => held.length, { interval: 5 }).toBe(Math.min(MAX + i, calls.length))
      held[i]!.end(KILOBYTE)
      await expect.poll(() => mesh.snapshot().services['users']!.endpoints[0]!.inFlight, { interval: 5 }).toBe(calls.length - i - 1)
    }
    expect(await Promise.all(calls.map(async (call) => (await call).status))).toEqual(Array(calls.length).fill(200))
    expect(connections.size).toBeLessThanOrEqual(MAX)
  })
})
