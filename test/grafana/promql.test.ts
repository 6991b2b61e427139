import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createMesh, fixed } from '../../src/index.js'
import { register, running } from '../control-plane/running.js'
import { start, type Program } from '../support/processes.js'
import { hasPrometheus, startPrometheus } from '../support/prometheus.js'

async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return (server.address() as AddressInfo).port
}

interface Load {
  readonly answers: Readonly<Record<string, number>>
  readonly servedBy: Readonly<Record<'orders' | 'users', Readonly<Record<string, number>>>>
}

/** A configuration by which every instance that the control plane knows is scraped. */
const scraping = (url: string): string => `
global: { scrape_interval: 200ms }
scrape_configs:
  - job_name: mesh
    http_sd_configs: [{ url: '${url}/prometheus/targets', refresh_interval: 1s }]
`

/** That each of these expressions comes within 2 % of what was counted. */
async function answers(prometheus: string, expected: readonly (readonly [expr: string, count: number])[]): Promise<void> {
  const query = async (expr: string): Promise<number> => {
    const response = await fetch(`${prometheus}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expr }) })
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } }
    return Number(data.result[0]?.value[1] ?? NaN)
  }
  await vi.waitFor(async () => {
    for (const [expr, count] of expected) {
      const answer = await query(expr)
      expect(Math.abs(answer / count - 1), `${expr}: ${answer} for ${count}`).toBeLessThanOrEqual(0.02)
    }
  }, { timeout: 20_000, interval: 300 })
}

describe.skipIf(!hasPrometheus)('a real prometheus that scrapes a mesh', () => {
  it('answers what the load generator and the server counted: attempts, failures, retries and calls', { timeout: 60_000 }, async () => {
    const CALLS = 300
    const counted = { requests: 0, failures: 0 }
    const answer: RequestListener = (_, response) => {
      counted.requests++
      const fails = counted.requests % 10 === 0
      if (fails) counted.failures++
      // Not begun, and so free to be tried elsewhere.
      response.writeHead(fails ? 503 : 200, fails ? { 'mesh-not-processed': '1' } : {}).end()
    }
    const ports = [await listening(answer), await listening(answer)]
    const mesh = createMesh({ service: 'orders', registry: fixed({ users: ports.map((port) => `127.0.0.1:${port}`) }) })
    onTestFinished(() => mesh.close())
    const { ask, controlPlane } = await running()
    await register(ask, 'orders-1', { Port: await listening((_, response) => void response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(mesh.metrics())) })
    const prometheus = await startPrometheus(scraping(controlPlane.url))
    const outcomes = { answered: 0, failed: 0 }
    for (let i = 0; i < CALLS; i++) {
      const reply = await mesh.service('users').get(`/users/${i}`)
      await reply.bytes()
      outcomes[reply.ok ? 'answered' : 'failed']++
    }

    const EDGE = '{service="orders",server_address="users"}'
    const expected: readonly [string, number][] = [
      [`sum(mesh_calls_total${EDGE})`, CALLS],
      [`sum(mesh_calls_total{service="orders",mesh_outcome="success"})`, outcomes.answered],
      [`sum(http_client_request_duration_seconds_count${EDGE})`, counted.requests],
      [`sum(http_client_request_duration_seconds_bucket{service="orders",le="+Inf"})`, counted.requests],
      [`sum(http_client_request_duration_seconds_count{service="orders",http_response_status_code="503"})`, counted.failures],
      [`sum(mesh_retries_total${EDGE})`, counted.requests - CALLS],
    ]
    expect(counted.requests).toBeGreaterThan(CALLS)
    await answers(prometheus, expected)
  })

  it('answers of the demo what its load generator counted', { timeout: 90_000 }, async () => {
    const { controlPlane } = await running({ clientSecret: 'hush' })
    const prometheus = await startPrometheus(scraping(controlPlane.url))
    const run = (file: string, more: NodeJS.ProcessEnv): Program =>
      start(`examples/users-and-orders/${file}`, [], { CONSUL_HTTP_ADDR: controlPlane.url, MESH_CLIENT_SECRET: 'hush', ...more })
    const services = [run('user-service.ts', { INSTANCE: 'users-1' }), run('user-service.ts', { INSTANCE: 'users-2' }), run('order-service.ts', { INSTANCE: 'orders-1' })]
    await Promise.all(services.map((program) => program.says(/listens on port/)))
    const { answers: byStatus, servedBy } = JSON.parse((await run('load.ts', { SECONDS: '3' }).ended).stdout) as Load
    const orders = byStatus['200']!
    expect(orders).toBeGreaterThanOrEqual(12)
    await answers(prometheus, [
      ['sum(http_server_request_duration_seconds_count{service="orders",http_route="/orders/:id",http_response_status_code="200"})', orders],
      ['sum(mesh_calls_total{service="orders",server_address="users"})', orders],
      ['sum(http_server_request_duration_seconds_count{service="users",http_route="/users/:id",http_response_status_code="200"})', orders],
      ...Object.entries(servedBy.users).map(([id, count]) => [`sum(http_server_request_duration_seconds_count{service_instance_id="${id}",http_route="/users/:id"})`, count] as const),
      // That edge may not ask users directly.
      ['sum(mesh_denials_total{service="users"})', 1],
    ])
  })
})
