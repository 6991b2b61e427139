import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import { start, type Program } from '../support/processes.js'

interface Load {
  readonly calls: number
  readonly answers: Readonly<Record<string, number>>
  readonly servedBy: Readonly<Record<'orders' | 'users', Readonly<Record<string, number>>>>
}

type Row = Readonly<Record<string, unknown>>

const EXAMPLE = 'examples/users-and-orders'

describe('a meshed system, watched by the control plane', () => {
  it('is told as the load generator counted it: calls, instances and who was turned away', { timeout: 90_000 }, async () => {
    const controlPlane = await createControlPlane({ port: 0, clientSecret: 'hush' })
    onTestFinished(() => controlPlane.close())
    const run = (file: string, more: NodeJS.ProcessEnv): Program =>
      start(`${EXAMPLE}/${file}`, [], { CONSUL_HTTP_ADDR: controlPlane.url, MESH_CLIENT_SECRET: 'hush', ...more })
    const ids = ['users-1', 'users-2']
    const users = ids.map((id) => run('user-service.ts', { INSTANCE: id, WORK_MS: '2' }))
    const orders = run('order-service.ts', { INSTANCE: 'orders-1' })
    await Promise.all([...users, orders].map((program) => program.says(/listens on port/)))
    const { stdout } = await run('load.ts', { SECONDS: '3' }).ended
    const load = JSON.parse(stdout) as Load
    // Each of the visitors once, on however busy a machine.
    expect(load.answers['200']).toBeGreaterThanOrEqual(12)

    const get = async (path: string): Promise<Row[]> => (await (await fetch(`${controlPlane.url}${path}`)).json()) as Row[]
    const edge = async (caller: string, callee: string): Promise<Row | undefined> =>
      (await get('/api/edges?windowSec=600')).find((row) => row['caller'] === caller && row['callee'] === callee)
    const within2Percent = (told: unknown, counted: number): void => expect(Math.abs(Number(told) / counted - 1)).toBeLessThanOrEqual(0.02)

    const servedByUsers = Object.values(load.servedBy.users).reduce((sum, count) => sum + count, 0)
    await vi.waitFor(async () => {
      const [first, second] = [await edge('edge', 'orders'), await edge('orders', 'users')]
      within2Percent(first?.['calls'], load.calls)
      // An order that was asked for twice asks for its user twice.
      within2Percent(second?.['calls'], servedByUsers + Number(first?.['attempts']) - Number(first?.['calls']))
      expect(second).toMatchObject({ mutual: true })
    }, { timeout: 20_000, interval: 300 })

    const instances = await get('/api/instances?service=users&windowSec=600')
    expect(instances.map(({ id, status }) => [id, status]).sort()).toEqual(ids.map((id) => [id, 'passing']))
    const tries = instances.flatMap(({ callers }) => (callers as { caller: string; count: number }[]).filter(({ caller }) => caller === 'orders'))
    within2Percent(tries.reduce((sum, { count }) => sum + count, 0), Number((await edge('orders', 'users'))?.['attempts']))
    // Its span is sent by another process than those of the orders.
    await vi.waitFor(async () => {
      expect(await get('/api/denials?service=users&windowSec=600')).toMatchObject([{ caller: 'edge', service: 'users', status: 403, code: 'MESH_ERR_FORBIDDEN', method: 'GET' }])
    }, { timeout: 20_000, interval: 300 })
  })
})
