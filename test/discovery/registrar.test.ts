import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { memory } from '../../src/discovery/memory.js'
import { createRegistrar } from '../../src/discovery/registrar.js'
import type { Instance, Registration, Registry } from '../../src/discovery/registry.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { follow } from './support/follow.js'
import { ScriptedRegistry } from './support/scripted-registry.js'

const instance: Instance = { service: 'users', id: 'u1', host: 'h', port: 1, weight: 1, zone: undefined, region: undefined, metadata: {} }
const standing = (overrides: Partial<Registration> = {}): Registration => ({ lost: new Promise(() => {}), deregister: async () => {}, ...overrides })

function keep(registry: Registry) {
  const clock = new FakeClock()
  const events = new Events()
  const errors: MeshEvents['registryError'][] = []
  const registered: MeshEvents['registered'][] = []
  events.on('registryError', (event) => errors.push(event))
  events.on('registered', (event) => registered.push(event))
  return { registrar: createRegistrar({ registry, clock, random: () => 0.5, events }), clock, errors, registered }
}

describe('a registrar', () => {
  it('registers and takes out again, once however often it is told', async () => {
    const registry = memory()
    const { registrar, clock, registered } = keep(registry)
    await registrar.register(instance)
    const users = follow(registry, 'users')
    expect((await users.nextSnapshot()).endpoints).toHaveLength(1)
    expect(registered).toEqual([{ service: 'users', instanceId: 'u1' }])
    await Promise.all([registrar.deregister(), registrar.deregister()])
    await registrar.deregister()
    expect((await users.nextSnapshot()).endpoints).toHaveLength(0)
    expect(clock.pending).toBe(0)
    await users.stop()
  })

  it('R10 registers again within a second of having been lost, and never twice', async () => {
    const registry = memory()
    const { registrar, clock, errors, registered } = keep(registry)
    await registrar.register(instance)
    for (let i = 0; i < 3; i++) {
      registry.set('users', [])
      await clock.advance(1_000)
    }
    expect([registered.length, errors.length]).toEqual([4, 3])
    const users = follow(registry, 'users')
    expect((await users.nextSnapshot()).endpoints).toHaveLength(1)
    await users.stop()
    await registrar.deregister()
  })

  it('keeps trying a registry that cannot be reached, for ever and at least every five seconds, and fulfils when it is back', async () => {
    const registry = new ScriptedRegistry()
    let down = true
    registry.onRegister = async () => {
      if (down) throw new Error('unreachable')
      return standing()
    }
    const { registrar, clock, errors } = keep(registry)
    let stands = false
    void registrar.register(instance).then(() => (stands = true))
    await clock.advance(600_000)
    expect(stands).toBe(false)
    expect(errors.map(({ retryInMs }) => retryInMs).slice(0, 6)).toEqual([500, 1_000, 2_000, 4_375, 4_375, 4_375])
    expect(errors.length).toBeGreaterThan(120)
    down = false
    await clock.advance(5_000)
    expect(stands).toBe(true)
    await registrar.deregister()
  })

  it('rejects at once when the registry will never take the instance, and can then be asked again', async () => {
    const registry = new ScriptedRegistry()
    registry.onRegister = () => Promise.reject(new MeshError('MESH_ERR_OPTION', 'no such weight'))
    const { registrar, clock } = keep(registry)
    await expect(registrar.register(instance)).rejects.toMatchObject({ code: 'MESH_ERR_OPTION', message: 'no such weight' })
    expect(clock.pending).toBe(0)
    registry.onRegister = async () => standing()
    await registrar.register(instance)
    await registrar.deregister()
  })

  it('keeps trying for an instance that once stood, whatever the registry says now', async () => {
    const registry = memory()
    const register = registry.register.bind(registry)
    const { registrar, clock, registered, errors } = keep(registry)
    await registrar.register(instance)
    registry.register = () => Promise.reject(new MeshError('MESH_ERR_OPTION', 'token withdrawn'))
    registry.set('users', [])
    await clock.advance(60_000)
    expect(errors.at(-1)?.error.message).toBe('token withdrawn')
    registry.register = register
    await clock.advance(15_000)
    expect(registered).toHaveLength(2)
    await registrar.deregister()
  })

  it('refuses the same instance a second time', async () => {
    const { registrar } = keep(memory())
    await registrar.register(instance)
    await expect(registrar.register(instance)).rejects.toMatchObject({ code: 'MESH_ERR_OPTION' })
    await registrar.deregister()
  })

  it('gives a try up that is not answered, and tries again', async () => {
    const registry = new ScriptedRegistry()
    let tries = 0
    registry.onRegister = (signal) => {
      if (++tries === 2) return Promise.resolve(standing())
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    const { registrar, clock, errors } = keep(registry)
    const registering = registrar.register(instance)
    await clock.advance(11_000)
    await registering
    expect(errors[0]?.error.message).toBe('scripted did not answer within 10000 ms')
    await registrar.deregister()
  })

  it('tells whoever still waits that the instance was taken out, and no uncaught rejection', async () => {
    const registry = new ScriptedRegistry()
    registry.onRegister = () => Promise.reject(new Error('unreachable'))
    const { registrar, clock } = keep(registry)
    const registering = registrar.register(instance)
    await settled()
    await registrar.deregister()
    await expect(registering).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
    void registrar.register({ ...instance, id: 'u2' })
    await settled()
    await registrar.deregister()
    await settled()
    expect(clock.pending).toBe(0)
  })

  it('takes out an instance whose registration was still on its way', async () => {
    const registry = new ScriptedRegistry()
    let answer!: (registration: Registration) => void
    let deregistered = 0
    registry.onRegister = () => new Promise((resolve) => (answer = resolve))
    const { registrar, registered } = keep(registry)
    const registering = registrar.register(instance)
    registering.catch(() => {})
    await settled()
    const leaving = registrar.deregister()
    answer(standing({ deregister: async () => void deregistered++ }))
    await leaving
    expect([deregistered, registered.length]).toEqual([1, 0])
    await expect(registering).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
  })

  it('takes no longer than a second to leave a registry that does not answer', async () => {
    const registry = new ScriptedRegistry()
    let left = false
    registry.onRegister = async () => standing({ deregister: () => new Promise(() => {}) })
    const { registrar, clock } = keep(registry)
    await registrar.register(instance)
    void registrar.deregister().then(() => (left = true))
    await clock.advance(999)
    expect(left).toBe(false)
    await clock.advance(1)
    expect(left).toBe(true)
  })

  it('tells of a registry that refuses to let an instance go', async () => {
    const registry = new ScriptedRegistry()
    registry.onRegister = async () => standing({ deregister: () => Promise.reject(new Error('will not')) })
    const { registrar, errors } = keep(registry)
    await registrar.register(instance)
    await registrar.deregister()
    expect(errors).toEqual([{ service: 'users', error: new Error('will not'), retryInMs: 0 }])
  })
})
