import { describe, expect, it } from 'vitest'
import { fixed } from '../../src/discovery/fixed.js'
import type { ServiceEntry } from '../../src/discovery/services-reader.js'
import { follow } from './support/follow.js'

const wrong = (services: unknown) => () => fixed(services as Record<string, ServiceEntry>)

describe('a fixed registry', () => {
  it('tells its list once and then waits until it is told to stop', async () => {
    const users = follow(fixed({ users: ['127.0.0.1:8081', { host: 'h', port: 2, weight: 3 }] }), 'users')
    expect(await users.nextSnapshot()).toEqual({
      revision: 1,
      endpoints: ['127.0.0.1:8081', { host: 'h', port: 2, weight: 3 }],
      policy: {},
    })
    await users.stop()
    expect(await users.next()).toBeUndefined()
  })

  it('can say what is wanted for calls to a service', async () => {
    const users = follow(fixed({ users: { endpoints: ['h:1'], policy: { timeoutMs: 5 } } }), 'users')
    expect(await users.nextSnapshot()).toMatchObject({ policy: { timeoutMs: 5 } })
    await users.stop()
  })

  it.each(['mail', 'constructor'])('has no endpoints for a service that is not in it: %s', async (service) => {
    const other = follow(fixed({ users: ['h:1'] }), service)
    expect(await other.nextSnapshot()).toEqual({ revision: 1, endpoints: [], policy: {} })
    await other.stop()
  })

  it('accepts an instance that registers and stays as it is', async () => {
    const registry = fixed({ users: ['h:1'] })
    const { signal } = new AbortController()
    const instance = { service: 'users', id: 'a', host: 'h', port: 9, weight: 1, zone: undefined, region: undefined, metadata: {} }
    const registration = await registry.register(instance, { signal })
    const users = follow(registry, 'users')
    expect(await users.nextSnapshot()).toMatchObject({ endpoints: ['h:1'] })
    await users.stop()
    await registration.deregister()
  })

  it.each([
    ['an upper-case service name', { Users: [] }, 'fixed: expected a service name'],
    ['a numeric service name', { 8081: [] }, 'fixed: expected a service name'],
    ['no list', { users: 'h:1' }, 'fixed.users: expected a plain object, got "h:1"'],
    ['no endpoints', { users: {} }, 'fixed.users.endpoints: expected a list, got undefined'],
    ['an unknown option', { users: { endpoints: [], polcy: {} } }, 'fixed.users.polcy: unknown option'],
    ['an unknown policy', { users: { endpoints: [], policy: { retries: 3 } } }, 'fixed.users.policy.retries: unknown option'],
    ['a malformed endpoint', { users: ['h:1', { host: 'h', port: 0 }] }, 'fixed.users[1].port: expected a whole number from 1 to 65535, got 0'],
    ['an endpoint twice', { users: ['h:1', 'h:1'] }, 'fixed.users[1].id: expected one of its own'],
    ['nothing', undefined, 'fixed: expected a plain object, got undefined'],
  ])('refuses %s', (_, services, reason) => {
    expect(wrong(services)).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(reason) }))
  })
})
