import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { consul, createMesh, fixed, type Mesh, type Registry } from '../../src/index.js'
import { ControlPlaneProcess } from '../support/control-plane-process.js'
import { start } from '../support/processes.js'
import { percentile, startCalls, type CallsReport } from '../support/steady-calls.js'

const PER_SEC = 100

async function callerOf(registry: Registry): Promise<Mesh> {
  const mesh = createMesh({ service: 'orders', registry, services: { users: {} } })
  onTestFinished(() => mesh.close())
  await mesh.ready()
  return mesh
}

/** Calls through both at the same time, so that what the machine does in between happens to both. */
async function besideTwin(meshes: readonly [Mesh, Mesh], during: () => Promise<void>): Promise<readonly [CallsReport, CallsReport]> {
  const loads = meshes.map((mesh) => startCalls(mesh, PER_SEC))
  await during()
  return (await Promise.all(loads.map((load) => load.stop()))) as [CallsReport, CallsReport]
}

describe('a registry that is down for long', () => {
  // The catalogue's ten minutes are forty seconds here: more than two leases, and many tries to watch and to register again.
  it('R01 costs no call and no time, and everybody is back in it, once, when it is', async () => {
    const controlPlane = await ControlPlaneProcess.start()
    const ports = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const instance = start('test/support/programs/plain-instance.ts', [], { REGISTRIES: 'consul', CONSUL_HTTP_ADDR: controlPlane.url })
        const [, port] = await instance.says(/serves on (\d+)/)
        return port!
      }),
    )
    const ids = ports.map((port) => `users-${port}`).sort()
    const orders = await callerOf(consul({ address: controlPlane.url }))
    const twin = await callerOf(fixed({ users: ports.map((port) => `127.0.0.1:${port}`) }))
    const meshes = [orders, twin] as const
    const known = (): number => orders.snapshot().services['users']!.endpoints.length
    expect(known()).toBe(5)

    // Both are warm, and have been measured on equal terms, before the fault.
    const [before, twinBefore] = await besideTwin(meshes, () => pause(10_000))
    const [during, twinDuring] = await besideTwin(meshes, async () => {
      await controlPlane.kill()
      await pause(40_000)
      expect(known()).toBe(5)
      expect(orders.snapshot().services['users']!.registryError).toContain('does not answer')
    })
    const [after, twinAfter] = await besideTwin(meshes, async () => {
      await controlPlane.restart()
      await expect.poll(() => controlPlane.listed(), { timeout: 20_000 }).toEqual(ids)
      await expect.poll(() => orders.snapshot().services['users']!.registryError, { timeout: 30_000 }).toBeUndefined()
      await pause(5_000)
      expect(await controlPlane.listed()).toEqual(ids)
      expect(known()).toBe(5)
    })

    const ratioAt = (point: number, one: CallsReport, other: CallsReport): number =>
      percentile(one.latenciesMs, point) / percentile(other.latenciesMs, point)
    const show = (one: CallsReport, other: CallsReport): string =>
      [0.5, 0.9, 0.99].map((point) => `p${point * 100} × ${ratioAt(point, one, other).toFixed(2)}`).join(', ')
    process.stdout.write(
      `R01: ${during.calls} calls in the outage, lost ${during.lost.length}; latency beside the twin: ` +
        `${show(during, twinDuring)} (before: ${show(before, twinBefore)})\n`,
    )
    expect([before, during, after, twinBefore, twinDuring, twinAfter].flatMap(({ lost }) => lost)).toEqual([])
    expect(during.calls).toBeGreaterThan(3_000)
    expect(ratioAt(0.5, during, twinDuring)).toBeLessThan(1.3)
    expect(ratioAt(0.9, during, twinDuring)).toBeLessThan(1.5)
  })
})
