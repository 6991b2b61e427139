import { once } from 'node:events'
import Consul from 'consul'
import { describe, expect, it, onTestFinished } from 'vitest'
import { running } from '../running.js'

interface Entry {
  readonly Service: { readonly ID: string; readonly Port: number; readonly Meta: Record<string, string> }
}

async function client(): Promise<Consul> {
  const { controlPlane } = await running()
  return new Consul({ host: '127.0.0.1', port: controlPlane.port })
}

const usersOne = { name: 'users', id: 'users-1', address: '127.0.0.1', port: 8081, meta: { zone: 'a' } }
// Its types want a timeout; for a TTL check it sends none.
const check = { name: 'alive', ttl: '10s', status: 'passing', timeout: '1s' }

describe('the npm package consul', () => {
  it('registers, finds, reports on and takes out an instance', async () => {
    const consul = await client()
    await consul.agent.service.register({ ...usersOne, check })
    const [found] = (await consul.health.service({ service: 'users', passing: true })) as unknown as Entry[]
    expect(found?.Service).toMatchObject({ ID: 'users-1', Port: 8081, Meta: { zone: 'a' } })
    await consul.agent.check.fail({ id: 'service:users-1', note: 'tired' })
    expect(await consul.health.service({ service: 'users', passing: true })).toEqual([])
    expect(await consul.health.state('critical')).toMatchObject([{ ServiceID: 'users-1', Output: 'tired' }])
    await consul.agent.check.pass('service:users-1')
    expect(await consul.agent.service.list()).toHaveProperty('users-1')
    expect(await consul.catalog.service.list()).toEqual({ users: [] })
    expect(await consul.catalog.service.nodes('users')).toMatchObject([{ ServiceID: 'users-1' }])
    await consul.agent.service.deregister('users-1')
    expect(await consul.health.service('users')).toEqual([])
  })

  it('puts an instance into maintenance and back', async () => {
    const consul = await client()
    await consul.agent.service.register({ ...usersOne, check })
    await consul.agent.service.maintenance({ id: 'users-1', enable: true, reason: 'oil' })
    expect(await consul.health.service({ service: 'users', passing: true })).toEqual([])
    await consul.agent.service.maintenance({ id: 'users-1', enable: false })
    expect(await consul.health.service({ service: 'users', passing: true })).toHaveLength(1)
  })

  it('watches a service by blocking queries and sees every change of it', async () => {
    const consul = await client()
    const watch = consul.watch({
      method: consul.health.service,
      options: { service: 'users', passing: 'true', wait: '30s' },
    })
    onTestFinished(() => watch.end())
    const next = async (): Promise<string[]> => {
      const [data] = (await once(watch, 'change')) as [Entry[]]
      return data.map(({ Service }) => Service.ID)
    }
    expect(await next()).toEqual([])
    const [joined] = await Promise.all([next(), consul.agent.service.register({ ...usersOne, check })])
    expect(joined).toEqual(['users-1'])
    const [failing] = await Promise.all([next(), consul.agent.check.fail('service:users-1')])
    expect(failing).toEqual([])
    const [well] = await Promise.all([next(), consul.agent.check.pass('service:users-1')])
    expect(well).toEqual(['users-1'])
    const [left] = await Promise.all([next(), consul.agent.service.deregister('users-1')])
    expect(left).toEqual([])
  })

  it('is told in Consul\'s way that a check is unknown, and who leads', async () => {
    const consul = await client()
    await expect(consul.agent.check.pass('nope')).rejects.toMatchObject({ statusCode: 404 })
    expect(await consul.status.leader()).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(await consul.agent.self()).toMatchObject({ Config: { Datacenter: 'dc1' } })
    expect(await consul.catalog.datacenters()).toEqual(['dc1'])
  })
})
