import { describe, expect, it } from 'vitest'
import { memory } from '../../src/discovery/memory.js'
import type { Instance } from '../../src/discovery/registry.js'
import { follow } from './support/follow.js'

const { signal } = new AbortController()
const instance = (id: string): Instance => ({
  service: 'users',
  id,
  host: '127.0.0.1',
  port: 8081,
  weight: 2,
  zone: 'a',
  region: 'r',
  metadata: { version: '1' },
})

describe('a registry in memory', () => {
  it('tells what it was given first, and then every change with a higher revision', async () => {
    const registry = memory({ users: ['h:1'] })
    const users = follow(registry, 'users')
    const first = await users.nextSnapshot()
    expect(first.endpoints).toEqual(['h:1'])
    registry.set('users', ['h:1', 'h:2'], { timeoutMs: 5 })
    const second = await users.nextSnapshot()
    expect(second).toMatchObject({ endpoints: ['h:1', 'h:2'], policy: { timeoutMs: 5 } })
    expect(second.revision).toBeGreaterThan(first.revision)
    registry.remove('users')
    expect(await users.nextSnapshot()).toMatchObject({ endpoints: [], policy: {} })
    await users.stop()
  })

  it('tells every watcher, and only those of the service', async () => {
    const registry = memory()
    const [a, b, mail] = [follow(registry, 'users'), follow(registry, 'users'), follow(registry, 'mail')]
    for (const each of [a, b, mail]) expect((await each.nextSnapshot()).endpoints).toEqual([])
    let mailHeard = false
    const mailNext = mail.next().then(() => (mailHeard = true))
    const next = Promise.all([a.nextSnapshot(), b.nextSnapshot()])
    registry.set('users', ['h:1'])
    for (const told of await next) expect(told.endpoints).toEqual(['h:1'])
    expect(mailHeard).toBe(false)
    await Promise.all([a.stop(), b.stop(), mail.stop(), mailNext])
  })

  it('shows an instance while it is registered', async () => {
    const registry = memory({ users: ['h:1'] })
    const registration = await registry.register(instance('u1'), { signal })
    const users = follow(registry, 'users')
    const { service: _, ...endpoint } = instance('u1')
    expect((await users.nextSnapshot()).endpoints).toEqual(['h:1', endpoint])
    await registration.deregister()
    await registration.deregister()
    expect((await users.nextSnapshot()).endpoints).toEqual(['h:1'])
    await users.stop()
  })

  it('lets an old registration take out nothing but itself', async () => {
    const registry = memory()
    const old = await registry.register(instance('u1'), { signal })
    await registry.register(instance('u1'), { signal })
    await old.deregister()
    const users = follow(registry, 'users')
    expect((await users.nextSnapshot()).endpoints).toHaveLength(1)
    await users.stop()
  })

  it('has lost what was registered when it is given another list', async () => {
    const registry = memory()
    const { lost } = await registry.register(instance('u1'), { signal })
    registry.set('users', [])
    expect((await lost).message).toBe("the registry was given another list of 'users'")
  })

  it('refuses a malformed beginning', () => {
    expect(() => memory({ Users: [] })).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION' }))
  })
})
