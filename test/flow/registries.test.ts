import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { etcd } from '../../src/discovery/etcd.js'
import { combine, consul, createMesh, type Mesh, type MeshOptions, type Registry, type ServiceOptions } from '../../src/index.js'
import { ControlPlaneProcess } from '../support/control-plane-process.js'
import { describeWithEtcd, Etcd } from '../support/etcd.js'
import { start, type Program } from '../support/processes.js'
import { startCalls } from '../support/steady-calls.js'

/** Long enough for two noisy cores. */
const PATIENCE = { timeout: 20_000, interval: 50 }
const CONFIRM_MS = 1_500

interface Instance {
  readonly program: Program
  readonly port: number
}

async function startInstance(env: NodeJS.ProcessEnv): Promise<Instance> {
  const program = start('test/support/programs/plain-instance.ts', [], env)
  const [, port] = await program.says(/serves on (\d+)/)
  return { program, port: Number(port) }
}

function startInstances(count: number, env: NodeJS.ProcessEnv = {}): Promise<Instance[]> {
  return Promise.all(Array.from({ length: count }, () => startInstance(env)))
}

/** Takes turns, so that whoever may be called soon is. */
async function callerOf(registry: Registry, discovery: MeshOptions['discovery'] = {}): Promise<Mesh> {
  const users: ServiceOptions = { balancer: { algorithm: 'round-robin' } }
  const mesh = createMesh({ service: 'orders', registry, services: { users }, discovery })
  onTestFinished(() => mesh.close())
  await mesh.ready()
  return mesh
}

const usersOf = (mesh: Mesh) => mesh.snapshot().services['users']!
const addressesOf = (mesh: Mesh): string[] => usersOf(mesh).endpoints.map(({ address }) => address).sort()
const addresses = (...instances: Instance[]): string[] => instances.map(({ port }) => `127.0.0.1:${port}`).sort()

/** Five instances that say nothing to the registry, which was told of them by somebody else. Their ids are their ports. */
async function fiveListed(): Promise<{ controlPlane: ControlPlaneProcess; ids: string[] }> {
  const [controlPlane, instances] = await Promise.all([ControlPlaneProcess.start(), startInstances(5)])
  const ids = instances.map(({ port }) => `${port}`)
  for (const id of ids) await list(controlPlane, id)
  return { controlPlane, ids }
}

async function list(controlPlane: ControlPlaneProcess, id: string): Promise<void> {
  const check = { CheckID: `service:${id}`, TTL: '600s', Status: 'passing' }
  await controlPlane.put('/agent/service/register', { ID: id, Name: 'users', Address: '127.0.0.1', Port: Number(id), Check: check })
}

describeWithEtcd('clients of etcd and of Consul', () => {
  it('see the same picture at the same time, through joins, leaves and a SIGKILL, and so does one of both', { timeout: 120_000 }, async () => {
    const [server, controlPlane] = await Promise.all([Etcd.start(), ControlPlaneProcess.start()])
    onTestFinished(() => server.close())
    const endpoints = server.endpoints
    const env = { REGISTRIES: 'consul,etcd', CONSUL_HTTP_ADDR: controlPlane.url, ETCDCTL_ENDPOINTS: endpoints.join(), TTL_MS: '2000' }
    const [a, b, c] = (await startInstances(3, env)) as [Instance, Instance, Instance]
    const address = controlPlane.url
    const clients = await Promise.all([
      callerOf(consul({ address })),
      callerOf(etcd({ endpoints })),
      callerOf(combine([consul({ address }), etcd({ endpoints })])),
    ])
    const see = (...instances: Instance[]): Promise<void> =>
      expect.poll(() => clients.map(addressesOf), PATIENCE).toEqual(clients.map(() => addresses(...instances)))

    await see(a, b, c)
    const d = await startInstance(env)
    await see(a, b, c, d)
    a.program.kill('SIGTERM')
    await see(b, c, d)
    const [e] = (await startInstances(1, env)) as [Instance]
    await see(b, c, d, e)
    b.program.kill('SIGKILL')
    await see(c, d, e)
    for (const client of clients) expect(await (await client.service('users').get('/')).text()).toMatch(/^\d+$/)
  })
})

describe('a registry that is down at the start', () => {
  it('R02 costs nothing with a cache on disk; without one it is a clear error until the registry is back', { timeout: 90_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'snapshots-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const controlPlane = await ControlPlaneProcess.start()
    const env = { CONSUL_HTTP_ADDR: controlPlane.url }
    await startInstances(1, { ...env, REGISTRIES: 'consul' })
    const caller = (more: NodeJS.ProcessEnv = {}): Program => start('test/support/programs/caller-at-start.ts', [], { ...env, ...more })
    const served = 'ready: yes\nfirst call: 200\nanswered\n'
    expect(await caller({ CACHE_DIR: folder }).ended).toMatchObject({ code: 0, stdout: served, stderr: '' })

    await controlPlane.kill()
    expect(await caller({ CACHE_DIR: folder }).ended).toMatchObject({ code: 0, stdout: served, stderr: '' })
    const without = caller()
    await without.says(/first call: /)
    await controlPlane.restart()
    const stdout = 'ready: MESH_ERR_NOT_READY\nfirst call: MESH_ERR_NOT_READY\nanswered\n'
    expect(await without.ended).toMatchObject({ code: 0, stdout, stderr: '' })
  })
})

describe('a registry that suddenly says otherwise', () => {
  it('R05 loses no call when it names one of five that still answer, and is believed when it stands by it', { timeout: 60_000 }, async () => {
    const { controlPlane, ids } = await fiveListed()
    const orders = await callerOf(consul({ address: controlPlane.url }), { shrinkConfirmMs: CONFIRM_MS })
    const told: unknown[] = []
    orders.on('endpointsKept', ({ kept, named }) => told.push({ kept, named }))
    const load = startCalls(orders, 100)
    await controlPlane.kill()
    // It has lost its data, and one has registered again.
    await controlPlane.restart()
    await list(controlPlane, ids[0]!)
    await expect.poll(() => told, PATIENCE).toContainEqual({ kept: 4, named: 1 })
    expect(usersOf(orders).endpoints).toHaveLength(5)
    await expect.poll(() => addressesOf(orders), PATIENCE).toEqual([`127.0.0.1:${ids[0]}`])
    const { lost, servedBy } = await load.stop()
    expect(lost).toEqual([])
    expect(Object.keys(servedBy).sort()).toEqual([...ids].sort())
  })

  it('R03 loses no call when it names nobody while all answer, tells of it, and is believed when it stands by it', { timeout: 60_000 }, async () => {
    const { controlPlane, ids } = await fiveListed()
    const orders = await callerOf(consul({ address: controlPlane.url }), { shrinkConfirmMs: CONFIRM_MS, emptyConfirmMs: 2 * CONFIRM_MS })
    const load = startCalls(orders, 100)
    await controlPlane.kill()
    // It has lost its data, and nobody registers again.
    await controlPlane.restart()
    await expect.poll(() => usersOf(orders).kept, PATIENCE).toBe(5)
    const { lost, servedBy } = await load.stop()
    expect(lost).toEqual([])
    expect(Object.keys(servedBy).sort()).toEqual([...ids].sort())
    await expect.poll(() => usersOf(orders).endpoints, PATIENCE).toEqual([])
    await expect(orders.service('users').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS' })
  })

  it('R06 loses no call when it calls all unhealthy, for however long, and is heard again when half are well', { timeout: 60_000 }, async () => {
    const { controlPlane, ids } = await fiveListed()
    const orders = await callerOf(consul({ address: controlPlane.url }), { shrinkConfirmMs: 200, emptyConfirmMs: 200 })
    await Promise.all(ids.map((id) => controlPlane.put(`/agent/check/fail/service:${id}`)))
    // Longer than any doubt lasts here.
    await pause(1_000)
    const load = startCalls(orders, 100)
    await pause(1_000)
    const { lost, servedBy } = await load.stop()
    expect(lost).toEqual([])
    expect(Object.keys(servedBy).sort()).toEqual([...ids].sort())
    const well = ids.slice(0, 3)
    for (const id of well) await controlPlane.put(`/agent/check/pass/service:${id}`)
    await expect.poll(() => addressesOf(orders), PATIENCE).toEqual(well.map((id) => `127.0.0.1:${id}`).sort())
  })
})
