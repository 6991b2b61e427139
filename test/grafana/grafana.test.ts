import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parse } from 'yaml'
import { register, running } from '../control-plane/running.js'
import { hasPrometheus, startPrometheus } from '../support/prometheus.js'
import { told } from './told.js'

const root = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly w: number }
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboard = JSON.parse(read('grafana/mesh.json')) as { readonly panels: readonly Panel[]; readonly templating: { readonly list: readonly { readonly name: string }[] } }
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
const rules = (parse(read('grafana/alerts.yaml')) as { groups: { rules: { alert: string; expr: string }[] }[] }).groups.flatMap((group) => group.rules)

/** With Grafana's variables replaced as it does it. */
const asked = (expr: string): string => expr.replaceAll('$__rate_interval', '10s').replaceAll('$by', 'service').replaceAll('"$service"', '".*"').replaceAll('"$callee"', '".*"')

describe('the dashboard', () => {
  it('is whole: titles, places in the grid, and no variable that is not there', () => {
    expect(queries.length).toBeGreaterThan(30)
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
    const known = new Set([...dashboard.templating.list.map(({ name }) => name), '__rate_interval'])
    const used = queries.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map(([, name]) => name!))
    expect(used.filter((name) => !known.has(name))).toEqual([])
  })

  it.skipIf(!hasPrometheus)('finds what it asks for in what a real prometheus has scraped', { timeout: 60_000 }, async () => {
    const startedAt = performance.now()
    const server = createServer((_, response) => {
      const seconds = (performance.now() - startedAt) / 1_000
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(told(seconds))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close().closeAllConnections())
    const { ask, controlPlane } = await running()
    await register(ask, 'orders-1', { Port: (server.address() as AddressInfo).port })
    const prometheus = await startPrometheus(`
global: { scrape_interval: 200ms }
scrape_configs:
  - job_name: mesh
    http_sd_configs: [{ url: '${controlPlane.url}/prometheus/targets', refresh_interval: 1s }]
`)
    const query = async (expr: string): Promise<{ value: [number, string] }[]> => {
      const response = await fetch(`${prometheus}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: asked(expr) }) })
      const { status, error, data } = (await response.json()) as { status: string; error?: string; data?: { result: { value: [number, string] }[] } }
      if (status !== 'success') throw new Error(`${expr}: ${error}`)
      return data!.result
    }
    await vi.waitFor(async () => expect(await query('count_over_time(mesh_calls_total[1m]) > 5')).not.toEqual([]), { timeout: 20_000, interval: 200 })
    const empty = []
    for (const { title, expr } of queries) if ((await query(expr)).length === 0) empty.push(`${title}: ${expr}`)
    expect(empty).toEqual([])
    const success = queries.find(({ title }) => title === 'Success')!
    expect(Math.abs(Number((await query(success.expr))[0]!.value[1]) / 0.95 - 1)).toBeLessThan(0.02)
  })
})

describe('the alerts', () => {
  const promtool = (...args: readonly string[]) => spawnSync('promtool', args, { cwd: root, encoding: 'utf8' })

  it.skipIf(!hasPrometheus)('are rules that promtool finds nothing wrong with', () => {
    expect(promtool('check', 'rules', 'grafana/alerts.yaml')).toMatchObject({ status: 0, stderr: '' })
  })

  it.skipIf(!hasPrometheus)('fire on what they are for, and on nothing in a mesh that is well', () => {
    const scenes = read('test/grafana/alerts.test.yaml')
    expect(rules.filter(({ alert }) => !scenes.includes(`alertname="${alert}"`))).toEqual([])
    const { status, stdout, stderr } = promtool('test', 'rules', 'test/grafana/alerts.test.yaml')
    expect(`${stdout}${stderr}`).not.toContain('FAILED')
    expect(status).toBe(0)
  })
})

describe('the dashboard and the alerts', () => {
  const documented = join(root, 'docs/telemetry.md')

  it('ask for nothing but metrics and attributes that docs/telemetry.md lists', () => {
    const known = namesIn(readFileSync(documented, 'utf8'))
    const used = [...queries, ...rules].flatMap(({ expr }) => expr.match(/\b(?:mesh|http|server|network)_[a-z_]+/g) ?? [])
    expect(used.length).toBeGreaterThan(100)
    expect([...new Set(used)].filter((name) => !known.has(name.replace(/_(?:bucket|count|sum)$/, '')))).toEqual([])
  })
})

/** What the metrics of the table, and what they differ by, are called in Prometheus. */
function namesIn(text: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const [, name, kind, unit, attributes] of text.matchAll(/^\| `([\w.]+)` \| (counter|gauge|histogram) \| `(\S+)` \|[^|]*\|([^|]*)\|$/gm)) {
    const suffix = kind === 'counter' ? '_total' : ({ s: '_seconds', '1': '_ratio' }[unit!] ?? '')
    const base = name!.replaceAll('.', '_')
    names.add(base.endsWith(suffix) ? base : base + suffix)
    for (const [, attribute] of attributes!.matchAll(/`([\w.]+)`/g)) names.add(attribute!.replaceAll('.', '_'))
  }
  return names
}
