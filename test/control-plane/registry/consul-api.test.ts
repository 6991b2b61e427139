import { describe, expect, it } from 'vitest'
import { FakeClock, settled } from '../../support/fake-clock.js'
import { register, running, type Ask, type Received } from '../running.js'

interface HealthEntry {
  readonly Service: { readonly ID: string }
  readonly Checks: readonly { readonly CheckID: string }[]
}

const healthIn = ({ body }: Received): HealthEntry[] => JSON.parse(body) as HealthEntry[]
const idsIn = (received: Received): string[] => healthIn(received).map(({ Service }) => Service.ID)

async function jsonOf(ask: Ask, path: string): Promise<unknown> {
  return JSON.parse((await ask(path)).body)
}

const notThere = (kind: string): string =>
  `Unknown ${kind} ID "nope". Ensure that the ${kind} ID is passed, not the ${kind} name.`

describe("the registry, in Consul's API", () => {
  it('shows what was registered, in the forms that Consul documents', async () => {
    const { ask } = await running()
    const Weights = { Passing: 3, Warning: 1 }
    await register(ask, 'users-1', { Tags: ['v1'], Meta: { zone: 'a' }, Weights })
    const [entry] = healthIn(await ask('/v1/health/service/users?passing=true'))
    expect(entry).toMatchObject({
      Node: { Address: '127.0.0.1', Datacenter: 'dc1' },
      Service: { ID: 'users-1', Service: 'users', Port: 8081, Tags: ['v1'], Meta: { zone: 'a' }, Weights },
      Checks: [{ CheckID: 'serfHealth' }, { CheckID: 'service:users-1', Status: 'passing', ServiceID: 'users-1', Type: 'ttl' }],
    })
    expect(await jsonOf(ask, '/v1/catalog/service/users')).toMatchObject([
      { ServiceID: 'users-1', ServiceName: 'users', ServiceAddress: '127.0.0.1', ServicePort: 8081, ServiceTags: ['v1'] },
    ])
    expect(await jsonOf(ask, '/v1/catalog/services')).toEqual({ users: ['v1'] })
    expect(await jsonOf(ask, '/v1/agent/services')).toMatchObject({ 'users-1': { Service: 'users', Datacenter: 'dc1' } })
    expect(await jsonOf(ask, '/v1/agent/service/users-1')).toMatchObject({ ID: 'users-1' })
    expect(await jsonOf(ask, '/v1/agent/checks')).toMatchObject({ 'service:users-1': { Status: 'passing' } })
    expect(await jsonOf(ask, '/v1/health/checks/users')).toMatchObject([{ CheckID: 'service:users-1' }])
    expect(await jsonOf(ask, '/v1/health/state/passing')).toMatchObject([{ CheckID: 'serfHealth' }, { ServiceID: 'users-1' }])
    expect(await jsonOf(ask, '/v1/health/state/critical')).toEqual([])
  })

  it('answers the questions about itself', async () => {
    const { ask, controlPlane } = await running()
    const address = `127.0.0.1:${controlPlane.port}`
    expect(await jsonOf(ask, '/v1/agent/self')).toMatchObject({ Config: { Datacenter: 'dc1' }, Member: { Status: 1 } })
    expect(await jsonOf(ask, '/v1/status/leader')).toBe(address)
    expect(await jsonOf(ask, '/v1/status/peers')).toEqual([address])
    expect(await jsonOf(ask, '/v1/catalog/datacenters')).toEqual(['dc1'])
    expect(await jsonOf(ask, '/v1/catalog/nodes')).toMatchObject([{ Address: '127.0.0.1' }])
  })

  it('is critical until it is told otherwise, and follows pass, warn, fail and update', async () => {
    const { ask } = await running()
    await register(ask, 'users-1', { Check: { TTL: '10s' } })
    const status = async (): Promise<unknown> => healthIn(await ask('/v1/health/service/users'))[0]?.Checks[1]
    const put = (path: string, body = ''): Promise<Received> => ask(`/v1/agent/check/${path}`, { method: 'PUT', body })
    expect(await status()).toMatchObject({ Status: 'critical', Output: '' })
    await put('pass/service:users-1?note=good')
    expect(await status()).toMatchObject({ Status: 'passing', Output: 'good' })
    await put('warn/service:users-1')
    expect(await status()).toMatchObject({ Status: 'warning' })
    expect(idsIn(await ask('/v1/health/service/users?passing'))).toEqual([])
    await put('fail/service:users-1')
    expect(await status()).toMatchObject({ Status: 'critical' })
    await put('update/service:users-1', '{"Status":"passing","Output":"42"}')
    expect(await status()).toMatchObject({ Status: 'passing', Output: '42' })
    const { status: refused, body } = await put('update/service:users-1', '{"Status":"lovely"}')
    expect([refused, body]).toEqual([400, "Invalid check status: 'lovely'"])
  })

  it('keeps to the tags that are asked for, all of them', async () => {
    const { ask } = await running()
    await register(ask, 'users-1', { Tags: ['v1', 'blue'] })
    await register(ask, 'users-2', { Tags: ['v1'] })
    expect(idsIn(await ask('/v1/health/service/users?tag=v1'))).toEqual(['users-1', 'users-2'])
    expect(idsIn(await ask('/v1/health/service/users?tag=v1&tag=blue'))).toEqual(['users-1'])
  })

  it('numbers several checks of one service, and each must pass', async () => {
    const { ask } = await running()
    const Checks = [{ TTL: '10s', Status: 'passing' }, { TTL: '1m', CheckID: 'mine' }, { TTL: '1m' }]
    await register(ask, 'users-1', { Check: undefined, Checks })
    const checks = healthIn(await ask('/v1/health/service/users'))[0]!.Checks.map(({ CheckID }) => CheckID)
    expect(checks).toEqual(['serfHealth', 'service:users-1:1', 'mine', 'service:users-1:3'])
    expect(idsIn(await ask('/v1/health/service/users?passing=1'))).toEqual([])
  })

  it('reads member names in any case and with underscores', async () => {
    const { ask } = await running()
    const check = { ttl: '10s', check_id: 'mine', status: 'passing' }
    const body = JSON.stringify({ name: 'users', id: 'users-1', port: 1, enable_tag_override: true, check })
    expect(await ask('/v1/agent/service/register', { method: 'PUT', body })).toMatchObject({ status: 200 })
    expect(await jsonOf(ask, '/v1/agent/service/users-1')).toMatchObject({ Port: 1, EnableTagOverride: true })
    expect(idsIn(await ask('/v1/health/service/users?passing'))).toEqual(['users-1'])
  })

  it('takes ids with slashes, encoded or not', async () => {
    const { ask } = await running()
    await register(ask, 'users-1', { ID: 'a/b c' })
    expect(await ask('/v1/agent/service/a/b%20c')).toMatchObject({ status: 200 })
    expect(await ask('/v1/agent/service/deregister/a%2Fb%20c', { method: 'PUT' })).toMatchObject({ status: 200 })
  })

  it.each([
    ['{', 'Request decode failed: the body is not JSON'],
    ['[]', 'Request decode failed: body: expected an object'],
    ['{}', 'Missing service name'],
    ['{"Name":7}', 'Request decode failed: Name: expected a string'],
    ['{"Name":"users","Port":"80"}', 'Request decode failed: Port: expected a whole number from 0 to 65535'],
    ['{"Name":"users","Port":-1}', 'Request decode failed: Port: expected a whole number from 0 to 65535'],
    ['{"Name":"users","Tags":"v1"}', 'Request decode failed: Tags: expected a list of strings'],
    ['{"Name":"users","Meta":{"a":1}}', 'Request decode failed: Meta.a: expected a string'],
    ['{"Name":"users","Meta":{"a b":"c"}}', "Invalid Service Meta: Key 'a b' contains invalid characters"],
    ['{"Name":"users","Weights":{"Passing":0}}', 'Invalid Weights: Passing must be greater than 0'],
    ['{"Name":"users","Address":"0.0.0.0"}', 'Invalid service address'],
    ['{"Name":"users","Check":{"TTL":"soon"}}', "Request decode failed: TTL: expected a duration such as '10s'"],
    ['{"Name":"users","Check":{}}', 'Invalid check: TTL must be > 0 for TTL checks'],
    ['{"Name":"users","Check":{"HTTP":"http://x"}}', 'Invalid check: this registry has TTL checks only, not HTTP'],
    ['{"Name":"users","Check":{"TTL":"1s","Status":"ok"}}', "Status for checks must 'passing', 'warning', 'critical'"],
  ])('refuses %s and registers nothing', async (body, reason) => {
    const { ask } = await running()
    expect(await ask('/v1/agent/service/register', { method: 'PUT', body })).toMatchObject({ status: 400, body: reason })
    expect((await ask('/v1/agent/services')).body).toBe('{}')
  })

  it.each([
    ['PUT', '/v1/agent/check/pass/nope', 404, notThere('check')],
    ['PUT', '/v1/agent/service/deregister/nope', 404, notThere('service')],
    ['PUT', '/v1/agent/service/maintenance/nope?enable=true', 404, notThere('service')],
    ['PUT', '/v1/agent/service/maintenance/nope', 400, 'Missing value for enable'],
    ['PUT', '/v1/agent/service/maintenance/nope?enable=perhaps', 400, 'Invalid value for enable: "perhaps"'],
    ['PUT', '/v1/agent/service/maintenance/?enable=true', 400, 'Missing service ID'],
    ['GET', '/v1/agent/service/nope', 404, 'unknown service ID: nope'],
    ['GET', '/v1/health/service/', 400, 'Missing service name'],
    ['GET', '/v1/health/service/users?passing=perhaps', 400, 'Invalid value for ?passing'],
    ['GET', '/v1/health/service/users?index=x', 400, 'Invalid index'],
    ['GET', '/v1/health/service/users?index=1&wait=soon', 400, 'Invalid wait time'],
    ['GET', '/v1/health/service/users?dc=elsewhere', 500, 'No path to datacenter'],
    ['GET', '/v1/health/service/users?filter=Service.Port==1', 400, 'filter expressions are not supported by this registry'],
  ])("answers %s %s with %d in Consul's words", async (method, path, status, body) => {
    const { ask } = await running()
    expect(await ask(path, { method })).toMatchObject({ status, body })
  })

  it('hides a service in maintenance and shows it again after', async () => {
    const { ask } = await running()
    await register(ask, 'users-1')
    await ask('/v1/agent/service/maintenance/users-1?enable=true&reason=oil', { method: 'PUT' })
    expect(idsIn(await ask('/v1/health/service/users?passing'))).toEqual([])
    expect(healthIn(await ask('/v1/health/service/users'))[0]?.Checks).toContainEqual(
      expect.objectContaining({ CheckID: '_service_maintenance:users-1', Status: 'critical', Notes: 'oil' }),
    )
    expect(await ask('/v1/agent/check/pass/_service_maintenance:users-1', { method: 'PUT' })).toMatchObject({ status: 500 })
    await ask('/v1/agent/service/maintenance/users-1?enable=false', { method: 'PUT' })
    expect(idsIn(await ask('/v1/health/service/users?passing'))).toEqual(['users-1'])
  })

  it('expires a check that is not passed in time, and reaps after a minute at least', async () => {
    const clock = new FakeClock()
    const { ask } = await running({ clock })
    await register(ask, 'users-1', { Check: { TTL: '10s', Status: 'passing', DeregisterCriticalServiceAfter: '1s' } })
    await clock.advance(10_000)
    expect(idsIn(await ask('/v1/health/service/users?passing'))).toEqual([])
    await clock.advance(59_999)
    expect(idsIn(await ask('/v1/health/service/users'))).toEqual(['users-1'])
    await clock.advance(1)
    expect(idsIn(await ask('/v1/health/service/users'))).toEqual([])
  })
})

describe('a blocking query', () => {
  const indexOf = ({ headers }: Received): number => Number(headers['x-consul-index'])

  it('is held until its service changes, and not woken by others', async () => {
    const { ask } = await running()
    await register(ask, 'users-1')
    const first = await ask('/v1/health/service/users')
    expect(first.headers).toMatchObject({ 'x-consul-knownleader': 'true', 'x-consul-lastcontact': '0' })
    let answered = false
    const blocked = ask(`/v1/health/service/users?index=${indexOf(first)}&wait=60s`)
    void blocked.then(() => (answered = true))
    await register(ask, 'orders-1')
    await ask('/v1/agent/check/pass/service:users-1', { method: 'PUT' })
    expect(answered).toBe(false)
    await register(ask, 'users-2')
    const second = await blocked
    expect(idsIn(second)).toEqual(['users-1', 'users-2'])
    expect(indexOf(second)).toBeGreaterThan(indexOf(first))
  })

  it('sees a service that did not exist appear, and one that existed go', async () => {
    const { ask } = await running()
    const none = await ask('/v1/health/service/users')
    expect(indexOf(none)).toBeGreaterThan(0)
    const appears = ask(`/v1/health/service/users?index=${indexOf(none)}`)
    await register(ask, 'users-1')
    const there = await appears
    expect(idsIn(there)).toEqual(['users-1'])
    const last = indexOf(await ask('/v1/health/service/users'))
    const goes = ask(`/v1/health/service/users?index=${last}`)
    await ask('/v1/agent/service/deregister/users-1', { method: 'PUT' })
    expect(idsIn(await goes)).toEqual([])
  })

  it.each([
    ['?wait=10s', 0, 10_000],
    ['?wait=10s', 1, 10_625],
    ['', 0, 300_000],
    ['?wait=1h', 0, 600_000],
  ])('with %j and a draw of %d ends unchanged after %d ms', async (asked, draw, ms) => {
    const clock = new FakeClock()
    const { ask } = await running({ clock, random: () => draw })
    const index = indexOf(await ask('/v1/catalog/services'))
    let answered: Received | undefined
    const pendingBefore = clock.pending
    void ask(`/v1/catalog/services${asked || '?'}&index=${index}`).then((received) => (answered = received))
    while (clock.pending === pendingBefore) await settled()
    await clock.advance(ms - 1)
    for (let i = 0; i < 20; i++) await settled()
    expect(answered).toBeUndefined()
    await clock.advance(1)
    while (answered === undefined) await settled()
    expect(indexOf(answered)).toBe(index)
    expect(clock.pending).toBe(0)
  })

  it('is answered at once for an index from another life of the registry', async () => {
    const { ask } = await running()
    const { headers } = await ask('/v1/catalog/services?index=18446744073709551615&wait=10m')
    expect(Number(headers['x-consul-index'])).toBeLessThan(1e15)
  })

  it('is forgotten when its client hangs up', async () => {
    const clock = new FakeClock()
    const { ask, controlPlane } = await running({ clock })
    const index = indexOf(await ask('/v1/catalog/services'))
    const gone = new AbortController()
    const asked = fetch(`${controlPlane.url}/v1/catalog/services?index=${index}`, { signal: gone.signal })
    while (clock.pending === 0) await settled()
    gone.abort()
    await expect(asked).rejects.toThrow()
    while (clock.pending > 0) await settled()
    expect(clock.pending).toBe(0)
  })
})
