import { execFileSync } from 'node:child_process'
import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import type { Tapped } from '../../src/call/tapped.js'
import { isMeshError } from '../../src/index.js'
import { memory } from '../../src/discovery/memory.js'
import { createMesh, type Mesh } from '../../src/mesh.js'
import type { MeshOptions } from '../../src/mesh-options.js'

const closers: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A mesh of `orders` with an admin listener, and a service `users` that answers 502 to the first of all requests. */
async function scene(options: Partial<MeshOptions> = {}): Promise<{ readonly mesh: Mesh; readonly url: string }> {
  let served = 0
  const server = createServer((_, response) => void response.writeHead(served++ === 0 ? 502 : 200).end('Ada'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())))
  const registry = memory()
  registry.set('users', [`127.0.0.1:${(server.address() as AddressInfo).port}`])
  const mesh = createMesh({ service: 'orders', registry, admin: { port: 0 }, ...options })
  closers.push(() => mesh.close())
  return { mesh, url: (await mesh.adminUrl)! }
}

async function get(url: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; type: string | undefined; body: string }> {
  const [response] = (await once(request(url, { headers, method }).end(), 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of response) body += String(chunk)
  return { status: response.statusCode!, type: response.headers['content-type'], body }
}

/** Opens a tap; `lines` are what it was told so far. */
async function tap(url: string, query = ''): Promise<{ readonly status: number; readonly lines: Tapped[]; told(count: number): Promise<void>; close(): void }> {
  const asking = request(`${url}/tap${query}`).end()
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  closers.push(() => void asking.destroy())
  const lines: Tapped[] = []
  let rest = ''
  response.on('error', () => {})
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n\n')
    rest = parts.pop()!
    for (const part of parts) if (part.startsWith('data: ')) lines.push(JSON.parse(part.slice(6)) as Tapped)
  })
  await once(response, 'data')
  return {
    status: response.statusCode!,
    lines,
    async told(count) {
      while (lines.length < count) await once(response, 'data')
    },
    close: () => void asking.destroy(),
  }
}

describe('the admin listener', () => {
  it('is off by default', () => {
    const mesh = createMesh({ service: 'orders', registry: memory() })
    closers.push(() => mesh.close())
    expect(mesh.adminUrl).toBeUndefined()
  })

  it('listens on loopback, and gives what was measured as promtool wants it', async () => {
    const { mesh, url } = await scene()
    for (let i = 0; i < 5; i++) await (await mesh.service('users').get('/users/{id}', { params: { id: i } })).text()
    expect(new URL(url).hostname).toBe('127.0.0.1')
    const { status, type, body } = await get(`${url}/metrics`)
    expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    expect(body.match(/^# TYPE .*$/gm)).toEqual(mesh.metrics().match(/^# TYPE .*$/gm))
    expect(body).toContain('target_info{service_name="orders"} 1\n')
    expect(body).toContain('mesh_calls_total{server_address="users",mesh_outcome="success"} 5\n')
    expect(body).toContain('mesh_retries_total{server_address="users"} 1\n')
    expect(body).toMatch(/^http_client_request_duration_seconds_count{[^}]*status_code="200"} 5$/m)
    expect(body).toMatch(/^http_client_request_duration_seconds_count{[^}]*status_code="502",error_type="502"} 1$/m)
    expect(body).toContain('mesh_breaker_state{server_address="users",mesh_breaker_state="closed"} 1\n')
    expect(body).toMatch(/^mesh_retry_budget{server_address="users"} \d+$/m)
    expect(body).toMatch(/^mesh_endpoint_latency_seconds{server_address="users",mesh_endpoint_id="[^"]+",network_peer_address="127.0.0.1:\d+"} [\d.e-]+$/m)
    expect(body).not.toContain('/users/')
    expect(execFileSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })).toBe('')
  })

  it('shows the snapshot, and explains a service that is called and no other', async () => {
    const { mesh, url } = await scene()
    await (await mesh.service('users').get('/')).text()
    expect(JSON.parse((await get(`${url}/snapshot`)).body)).toMatchObject({ service: 'orders', services: { users: { service: 'users' } } })
    const explained = JSON.parse((await get(`${url}/explain/users`)).body) as { policy: Record<string, unknown> }
    expect(explained.policy['retry.maxResends']).toEqual({ value: 2, origin: 'default' })
    expect((await get(`${url}/explain/unheard-of`)).status).toBe(404)
    expect((await get(`${url}/explain/__proto__`)).status).toBe(404)
    expect(Object.keys(mesh.snapshot().services)).toEqual(['users'])
  })

  it('answers probes: alive until it closes, ready until it drains', async () => {
    const { mesh, url } = await scene()
    expect((await get(`${url}/livez`)).status).toBe(200)
    expect((await get(`${url}/readyz`)).status).toBe(200)
    const draining = mesh.leave({ drainDelayMs: 50 })
    expect((await get(`${url}/readyz`)).status).toBe(503)
    expect((await get(`${url}/livez`)).status).toBe(200)
    await draining
  })

  it('taps attempts as they end, failed ones and their retries too, without path or header field', async () => {
    const { mesh, url } = await scene()
    const { told, lines } = await tap(url)
    await (await mesh.service('users').get('/users/{id}', { params: { id: 'secret-path' }, headers: { 'x-own': 'secret-header' } })).text()
    await told(2)
    expect(lines).toMatchObject([
      { kind: 'attempt', caller: 'orders', callee: 'users', method: 'GET', route: '/users/{id}', status: 502, error: null, resends: 0, hedge: false, traceId: null },
      { kind: 'attempt', caller: 'orders', callee: 'users', method: 'GET', route: '/users/{id}', status: 200, error: null, resends: 1, hedge: false, traceId: null },
    ])
    expect(lines[0]!.durationMs).toBeGreaterThan(0)
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('taps what is asked for: one service, a share, and nothing once the reader is gone', async () => {
    const { mesh, url } = await scene()
    const other = await tap(url, '?service=billing')
    const none = await tap(url, '?ratio=0')
    const all = await tap(url, '?service=users&ratio=1')
    await (await mesh.service('users').get('/')).text()
    await all.told(2)
    expect([other.lines, none.lines]).toEqual([[], []])
    expect((await get(`${url}/tap?ratio=2`)).status).toBe(400)
  })

  it('answers GET and loopback names only, and no page of another site', async () => {
    const { url } = await scene()
    expect((await get(`${url}/metrics`, {}, 'POST')).status).toBe(405)
    expect((await get(`${url}/metrics`, { host: 'evil.example' })).status).toBe(403)
    expect((await get(`${url}/metrics`, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await get(`${url}/nothing`)).status).toBe(404)
  })

  it('answers to any name where it was told to listen elsewhere', async () => {
    const { url } = await scene({ admin: { port: 0, host: '0.0.0.0' } })
    const own = url.replace('0.0.0.0', '127.0.0.1')
    expect((await get(`${own}/livez`, { host: 'orders.svc' })).status).toBe(200)
    expect((await get(`${own}/livez`, { host: 'orders.svc', 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  })

  it('harms nothing when its port is taken, and says so', async () => {
    const { url } = await scene()
    const mesh = createMesh({ service: 'orders', registry: memory(), admin: { port: Number(new URL(url).port) } })
    closers.push(() => mesh.close())
    const told = new Promise((resolve) => mesh.on('adminError', resolve))
    const rejected = await mesh.adminUrl!.catch((error: unknown) => error)
    expect(isMeshError(rejected, 'MESH_ERR_PORT_TAKEN')).toBe(true)
    expect(await told).toEqual({ error: rejected })
  })

  it('closes with the mesh, open taps too', async () => {
    const { mesh, url } = await scene()
    await tap(url)
    await mesh.close()
    await expect(get(`${url}/livez`)).rejects.toThrow(/ECONNREFUSED|socket hang up/)
  })
})
