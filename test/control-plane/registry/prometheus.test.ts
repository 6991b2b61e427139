import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { hasPrometheus, startPrometheus } from '../../support/prometheus.js'
import { exchange, register, running } from '../running.js'

interface Target {
  readonly health: string
  readonly labels: Record<string, string>
}

/** An instance that has something to scrape at this path. */
async function scraped(path: string): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === path ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4' }).end('up_and_well 1\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close().closeAllConnections())
  return (server.address() as AddressInfo).port
}

describe('the list of scrape targets', () => {
  it('names every instance, the unhealthy ones too, with its labels', async () => {
    const { ask } = await running()
    await register(ask, 'users-1', { Tags: ['v1'], Meta: { 'availability-zone': 'a', metrics_path: '/m' } })
    await register(ask, 'orders-1', { Address: '', Port: 9, Check: { TTL: '1s' } })
    await register(ask, 'jobs-1', { Port: 0 })
    await register(ask, 'six-1', { Address: '::1' })
    const { headers, body } = await ask('/prometheus/targets')
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(body)).toEqual([
      {
        targets: ['127.0.0.1:8081'],
        labels: {
          service: 'users',
          service_instance_id: 'users-1',
          __meta_sidecarless_health: 'passing',
          __meta_sidecarless_tags: ',v1,',
          __meta_sidecarless_meta_availability_zone: 'a',
          __meta_sidecarless_meta_metrics_path: '/m',
          __metrics_path__: '/m',
        },
      },
      { targets: ['127.0.0.1:9'], labels: expect.objectContaining({ service: 'orders', __meta_sidecarless_health: 'critical' }) },
      { targets: ['[::1]:8081'], labels: expect.objectContaining({ service: 'six' }) },
    ])
  })

  it.skipIf(!hasPrometheus)("Debian's prometheus finds and scrapes every registered instance", { timeout: 60_000 }, async () => {
    const { ask, controlPlane } = await running()
    const ports = [await scraped('/metrics'), await scraped('/metrics'), await scraped('/own')]
    await register(ask, 'users-1', { Port: ports[0] })
    await register(ask, 'users-2', { Port: ports[1] })
    await register(ask, 'orders-1', { Port: ports[2], Meta: { metrics_path: '/own' } })
    const prometheus = await startPrometheus(`
global: { scrape_interval: 200ms }
scrape_configs:
  - job_name: mesh
    http_sd_configs: [{ url: '${controlPlane.url}/prometheus/targets', refresh_interval: 1s }]
`)
    const seen = async (): Promise<string[]> => {
      const { data } = JSON.parse((await exchange(`${prometheus}/api/v1/targets`)).body) as { data: { activeTargets: Target[] } }
      return data.activeTargets.map(({ health, labels }) => `${labels['service_instance_id']} ${health}`).sort()
    }
    await vi.waitFor(async () => expect(await seen()).toEqual(['orders-1 up', 'users-1 up', 'users-2 up']), 20_000)
    await ask('/v1/agent/service/deregister/users-2', { method: 'PUT' })
    await vi.waitFor(async () => expect(await seen()).toEqual(['orders-1 up', 'users-1 up']), 20_000)
  })
})
