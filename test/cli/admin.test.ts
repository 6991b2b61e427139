import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { fixed } from '../../src/discovery/fixed.js'
import { createMesh } from '../../src/mesh.js'
import { sidecarless } from './command.js'

const EVENT = { at: 1_800_000_000_000, kind: 'attempt', caller: 'orders', callee: 'users', instance: 'a', method: 'GET', route: null, status: 503, durationMs: 3, error: null, resends: 0, hedge: true, traceId: null }

/** What an admin listener answers, from a mesh that has two endpoints of users. */
async function adminListener(): Promise<string> {
  const mesh = createMesh({
    service: 'orders',
    registry: fixed({ users: ['127.0.0.1:8081', '127.0.0.1:8082'] }),
    services: { users: { timeoutMs: 1_234 } },
  })
  await mesh.ready()
  const json = (response: ServerResponse, value: unknown): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/snapshot') return json(response, mesh.snapshot())
    if (url === '/explain/users') return json(response, mesh.explain('users'))
    if (url.startsWith('/explain/')) return void response.writeHead(404, { 'content-type': 'text/plain' }).end('this process does not call billing; /snapshot says which services it calls\n')
    if (url !== '/tap?service=users&ratio=0.5') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing is served here; there is:\n/snapshot\n')
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.end(`: listening\n\nevent: dropped\ndata: 7\n\ndata: ${JSON.stringify(EVENT)}\n\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await mesh.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('sidecarless beside an admin listener', () => {
  it('shows what one process knows, and why it calls as it does', async () => {
    const admin = await adminListener()
    const [stat, none, top, explain, json, unknown] = await Promise.all([
      sidecarless(['stat', '--admin', admin]),
      sidecarless(['stat', 'billing', '--admin', admin]),
      sidecarless(['top', '--admin', admin]),
      sidecarless(['explain', 'users', '--admin', admin]),
      sidecarless(['explain', 'users', '--admin', admin, '--json']),
      sidecarless(['explain', 'billing', '--admin', admin]),
    ])
    for (const { code, stderr } of [stat, top, explain, json]) expect([code, stderr]).toEqual([0, ''])
    expect(stat.stdout).toMatch(/^orders: not registered in fixed.*\n\nSERVICE .*\nusers +2 of 2 .*closed/)
    expect(none.stdout).not.toContain('users')
    expect(top.stdout).toContain('127.0.0.1:8082')
    expect(explain.stdout).toMatch(/^users: 2 of 2 endpoints ready, breaker closed/)
    expect(explain.stdout).toMatch(/timeoutMs +1234 +createMesh/)
    expect(explain.stdout).toMatch(/retry\.\w+ +\S+ +default/)
    expect(JSON.parse(json.stdout)).toMatchObject({ service: 'users', policy: { timeoutMs: { value: 1_234, origin: 'createMesh' } } })
    expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: 'this process does not call billing; /snapshot says which services it calls\n' })
  })

  it('taps one process, says how much was left out, and that it hung up', async () => {
    const admin = await adminListener()
    const { code, stdout, stderr } = await sidecarless(['tap', '--admin', admin, '--service', 'users', '--ratio', '0.5', '--json'])
    expect(JSON.parse(stdout)).toEqual(EVENT)
    expect(stderr).toBe(`… 7 left out: too many at once\nThe admin listener at ${admin} hung up\n`)
    expect(code).toBe(1)
  })

  it('says what to do where none listens', async () => {
    const { code, stdout, stderr } = await sidecarless(['stat', '--admin', '127.0.0.1:1'])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^No admin listener answers at http:\/\/127\.0\.0\.1:1: .*\nIt is off by default: give createMesh the option admin/)
  })
})
