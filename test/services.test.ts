import { describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../src/base/random.js'
import { createMesh, type Mesh } from '../src/mesh.js'
import type { ServiceOptions } from '../src/call/policy.js'
import { ScriptedRegistry } from './discovery/support/scripted-registry.js'
import { FakeClock, settled } from './support/fake-clock.js'

const IDLE_MS = 5_000

function scene(services: Readonly<Record<string, ServiceOptions>> = {}): { mesh: Mesh; registry: ScriptedRegistry; clock: FakeClock } {
  const registry = new ScriptedRegistry()
  const clock = new FakeClock()
  const mesh = createMesh({ service: 'orders', registry, services, discovery: { idleMs: IDLE_MS } }, { clock, random: seededRandom(1) })
  onTestFinished(() => mesh.close())
  return { mesh, registry, clock }
}

const followed = (mesh: Mesh): string[] => Object.keys(mesh.snapshot().services)

describe('the services of a mesh', () => {
  it('are followed from their first use, once', async () => {
    const { mesh, registry } = scene()
    expect(registry.running).toBe(0)
    mesh.explain('users')
    mesh.explain('users')
    await settled()
    expect([registry.running, followed(mesh)]).toEqual([1, ['users']])
  })

  it('are not followed any more when they have not been used for a while, and again when they are', async () => {
    const { mesh, registry, clock } = scene()
    mesh.explain('users')
    registry.tell({ revision: 1, endpoints: ['127.0.0.1:1'] })
    await clock.advance(IDLE_MS)
    expect([registry.running, followed(mesh)]).toEqual([0, []])
    mesh.explain('users')
    await settled()
    expect(registry.running).toBe(1)
  })

  it('are followed while they are used', async () => {
    const { mesh, registry, clock } = scene()
    for (let i = 0; i < 5; i++) {
      mesh.explain('users')
      await clock.advance(IDLE_MS / 2)
    }
    expect([registry.running, registry.watches]).toEqual([1, 1])
  })

  it('are followed for ever when the options name them', async () => {
    const { mesh, registry, clock } = scene({ users: {} })
    await clock.advance(10 * IDLE_MS)
    expect([registry.running, followed(mesh)]).toEqual([1, ['users']])
  })

  it('R01 are kept, used or not, while the registry fails: what is known of them could not be learned again', async () => {
    const { mesh, registry, clock } = scene()
    mesh.explain('users')
    registry.tell({ revision: 1, endpoints: ['127.0.0.1:1'] })
    await settled()
    registry.fail(new Error('down'))
    await settled()
    registry.onWatch = () => Promise.reject(new Error('down'))
    await clock.advance(10 * IDLE_MS)
    expect(mesh.explain('users').endpoints).toHaveLength(1)
    registry.onWatch = () => Promise.resolve()
    registry.tell({ revision: 1, endpoints: ['127.0.0.1:1'] })
    await clock.advance(3 * IDLE_MS)
    expect([registry.running, followed(mesh)]).toEqual([0, []])
  })

  it('are left when the mesh closes', async () => {
    const { mesh, registry, clock } = scene({ users: {} })
    mesh.explain('mail')
    await settled()
    expect(registry.running).toBe(2)
    await mesh.close()
    expect([registry.running, clock.pending]).toEqual([0, 0])
  })
})
