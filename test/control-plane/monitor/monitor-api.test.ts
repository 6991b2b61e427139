import { request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FakeClock } from '../../support/fake-clock.js'
import { register, running, type Ask } from '../running.js'
import { traceRequest, type SentAttributes, type SentSpan } from './otlp-json.js'

const get = async <T = Record<string, unknown>[]>(ask: Ask, path: string): Promise<T> => {
  const { status, body } = await ask(path)
  expect([path, status, status === 200 ? '' : body]).toEqual([path, 200, ''])
  return JSON.parse(body) as T
}

let ids = 0
const nextId = (digits: number): string => (++ids).toString(16).padStart(digits, '0')

async function send(ask: Ask, service: string, ...spans: readonly Partial<SentSpan>[]): Promise<void> {
  const complete = spans.map((span) => ({ traceId: nextId(32), spanId: nextId(16), ...span }))
  const body = JSON.stringify(traceRequest(service, ...complete))
  expect(await ask('/v1/traces', { method: 'POST', headers: { 'content-type': 'application/json' }, body })).toMatchObject({ body: '{}' })
}

const toUsers = (id: string, more: SentAttributes = {}): SentAttributes => ({
  'service.peer.name': 'users',
  'server.address': 'users',
  'server.port': 80,
  'mesh.endpoint.id': id,
  'network.peer.address': '127.0.0.1',
  'network.peer.port': 8081,
  ...more,
})
const attempt = (id: string, more: SentAttributes = {}): Partial<SentSpan> => ({ kind: 3, attributes: toUsers(id, more) })
const served = (attributes: SentAttributes, more: Partial<SentSpan> = {}): Partial<SentSpan> => ({ kind: 2, attributes, ...more })

async function onFakeClock(): Promise<{ ask: Ask; clock: FakeClock }> {
  const clock = new FakeClock()
  return { clock, ask: (await running({ clock })).ask }
}

describe('edges', () => {
  it('tell calls from attempts, retries and hedges', async () => {
    const { ask } = await running()
    const call = { kind: 1, name: 'mesh.call users', attributes: { 'service.peer.name': 'users' } }
    const tries = [attempt('users-1'), attempt('users-2', { 'http.request.resend_count': 1 }), attempt('users-2', { 'mesh.hedge': true })]
    await send(ask, 'orders', call, call, ...tries, attempt('users-1'))
    expect(await get(ask, '/api/edges')).toMatchObject([
      { caller: 'orders', callee: 'users', calls: 2, attempts: 4, count: 4, retries: 1, hedges: 1, errors: 0, successRatio: 1, mutual: false },
    ])
  })

  it('are mutual when the callee has verified the caller', async () => {
    const { ask } = await running()
    await send(ask, 'orders', attempt('users-1'))
    await send(ask, 'users', served({ 'mesh.peer.service': 'orders' }), served({ 'mesh.peer.service': 'somebody' }))
    expect(await get(ask, '/api/edges')).toMatchObject([{ caller: 'orders', mutual: true }])
  })

  it('count what a client outside the mesh sent, and its calls without the resends', async () => {
    const { ask } = await running()
    const attributes = { 'server.address': 'localhost', 'server.port': 3000 }
    const again = { ...attributes, 'http.request.resend_count': 1 }
    await send(ask, 'shop', { attributes, failed: true }, { attributes: again }, { attributes: { 'peer.service': 'bank', ...attributes } })
    expect(await get(ask, '/api/edges')).toMatchObject([
      { caller: 'shop', callee: 'localhost:3000', calls: 1, attempts: 2, retries: 1, errors: 1 },
      { caller: 'shop', callee: 'bank', calls: 1, attempts: 1 },
    ])
  })

  it.each([true, false])('give a callee outside the mesh the name that its own spans have (the client span first: %s)', async (clientFirst) => {
    const { ask } = await running()
    const traceId = nextId(32)
    const attributes = { 'server.address': '127.0.0.1', 'server.port': 3000 }
    const client = { traceId, spanId: nextId(16), attributes }
    const halves = [() => send(ask, 'shop', client), () => send(ask, 'stock', { traceId, parentSpanId: client.spanId, kind: 2 })]
    for (const half of clientFirst ? halves : halves.reverse()) await half()
    await send(ask, 'shop', { attributes })
    expect(await get(ask, '/api/edges')).toMatchObject([{ caller: 'shop', callee: 'stock', count: 2 }])
  })

  it('give a callee outside the mesh the name that the registry has for its address', async () => {
    const { ask } = await running()
    await register(ask, 'users-1')
    await send(ask, 'shop', { attributes: { 'server.address': '127.0.0.1', 'server.port': 8081 } })
    expect(await get(ask, '/api/edges')).toMatchObject([{ caller: 'shop', callee: 'users' }])
    expect(await get(ask, '/api/instances')).toMatchObject([{ service: 'users', id: 'users-1', count: 1 }])
  })

  it('count by the second in which an attempt ended, so that a window holds just its own', async () => {
    const { ask, clock } = await onFakeClock()
    const startAt = clock.epochMs()
    for (const agoSec of [0, 5, 30, 100, 500]) {
      await send(ask, 'orders', { ...attempt('users-1'), endAt: startAt - agoSec * 1_000 })
    }
    const counted = async (windowSec: number): Promise<unknown> => (await get(ask, `/api/edges?windowSec=${windowSec}`))[0]?.['count']
    expect([await counted(1), await counted(6), await counted(60), await counted(101), await counted(600)]).toEqual([1, 2, 3, 4, 5])
    await clock.advance(60_000)
    expect([await counted(1), await counted(60), await counted(600)]).toEqual([undefined, 1, 5])
    await clock.advance(700_000)
    expect(await get(ask, '/api/edges?windowSec=600')).toEqual([])
  })

  it('count a rate over the time since the first attempt, while that is shorter than the window', async () => {
    const { ask, clock } = await onFakeClock()
    for (let i = 0; i < 10; i++) await send(ask, 'orders', { ...attempt('users-1'), endAt: clock.epochMs() })
    await clock.advance(5_000)
    expect(await get(ask, '/api/edges')).toMatchObject([{ perSec: 2 }])
    await clock.advance(15_000)
    expect(await get(ask, '/api/edges?windowSec=20')).toMatchObject([{ perSec: 0.5 }])
  })

  it.each(['0', '601', 'x', '', '1.5', '-1'])('are not told of the window %j', async (windowSec) => {
    const { ask } = await running()
    expect(await ask(`/api/edges?windowSec=${windowSec}`)).toMatchObject({ status: 400 })
  })
})

describe('services', () => {
  it('are those of the registry too, with no spans yet', async () => {
    const { ask } = await running()
    await register(ask, 'users-1')
    await register(ask, 'users-2')
    await send(ask, 'orders', served({}), served({ 'error.type': 'MESH_ERR_FORBIDDEN' }), served({}, { failed: true }))
    expect(await get(ask, '/api/services')).toEqual([
      { service: 'users', count: 0, errors: 0, perSec: 0, successRatio: 1, p50Ms: 0, p99Ms: 0, denied: 0, instances: 2, lastSeenAt: null },
      {
        service: 'orders',
        count: 3,
        errors: 1,
        perSec: 3,
        successRatio: 1 - 1 / 3,
        p50Ms: expect.any(Number),
        p99Ms: expect.any(Number),
        denied: 1,
        instances: 0,
        lastSeenAt: expect.any(Number),
      },
    ])
  })
})

describe('instances', () => {
  it('show what each gets, from whom, and why it was picked last', async () => {
    const { ask } = await running()
    await register(ask, 'users-1', { Meta: { zone: 'a', version: '7' }, Weights: { Passing: 3, Warning: 1 } })
    await register(ask, 'users-2', { Port: 8082 })
    const pick = { 'mesh.pick.candidates': 2, 'mesh.pick.excluded': 1, 'mesh.pick.cost_ms': 1.5, 'mesh.pick.in_flight': 4, 'mesh.pick.stalled': true }
    await send(ask, 'orders', attempt('users-1', { 'mesh.pick.candidates': 9 }), attempt('users-1'), attempt('users-1@sidecarless', pick), { ...attempt('users-2'), failed: true })
    await send(ask, 'admin', attempt('users-1'))
    const instances = await get(ask, '/api/instances?service=users')
    const [first, second] = instances
    expect(first).toMatchObject({ service: 'users', id: 'users-1', address: '127.0.0.1:8081', zone: 'a', weight: 3, version: '7', status: 'passing' })
    expect(first).toMatchObject({ count: 4, errors: 0, share: 0.8, callers: [{ caller: 'orders', count: 3 }, { caller: 'admin', count: 1, pick: null }] })
    const scored = { costMs: 1.5, inFlight: 4, stalled: true, candidates: 2, excluded: 1, latencyMs: null, successRatio: null, ramp: null, weight: null, report: null }
    expect((first!['callers'] as { pick: unknown }[])[0]!.pick).toEqual({ at: expect.any(Number), ...scored })
    expect(second).toMatchObject({ id: 'users-2', zone: null, count: 1, errors: 1, share: 0.2 })
    expect(await get(ask, '/api/instances?service=orders')).toEqual([])
  })

  it('are told draining, critical, gone, and unknown to the registry', async () => {
    const { ask } = await running()
    const put = (path: string): Promise<unknown> => ask(path, { method: 'PUT' })
    for (const n of [1, 2, 3, 4]) await register(ask, `users-${n}`, { Port: 8080 + n })
    await send(ask, 'orders', ...[1, 2, 3, 4].map((n) => attempt(`users-${n}`)), { attributes: { 'peer.service': 'bank', 'network.peer.address': '::1', 'network.peer.port': 99 } })
    await put('/v1/agent/service/maintenance/users-2?enable=true')
    await put('/v1/agent/check/fail/service:users-3')
    await put('/v1/agent/service/deregister/users-4')
    expect((await get(ask, '/api/services')).map(({ service, instances }) => [service, instances])).toEqual([['users', 3], ['orders', 0]])
    const told = (await get(ask, '/api/instances')).map(({ id, status }) => [id, status])
    expect(told).toEqual([['users-1', 'passing'], ['users-2', 'draining'], ['users-3', 'critical'], ['users-4', 'gone'], ['[::1]:99', 'unregistered']])
  })

  it('that are gone are forgotten when the window has passed', async () => {
    const { ask, clock } = await onFakeClock()
    await register(ask, 'users-1')
    await send(ask, 'orders', { ...attempt('users-1'), endAt: clock.epochMs() })
    await ask('/v1/agent/service/deregister/users-1', { method: 'PUT' })
    expect(await get(ask, '/api/instances')).toMatchObject([{ id: 'users-1', status: 'gone', count: 1 }])
    await clock.advance(62_000)
    expect(await get(ask, '/api/instances')).toEqual([])
    expect(await get(ask, '/api/instances?windowSec=120')).toMatchObject([{ id: 'users-1', status: 'gone', count: 1 }])
  })
})

describe('denials', () => {
  it('say who was turned away where, and why, the newest first', async () => {
    const { ask, clock } = await onFakeClock()
    const at = clock.epochMs()
    const traceId = nextId(32)
    const where = { 'http.request.method': 'GET', 'url.path': '/users/7', 'network.peer.address': '127.0.0.9' }
    const forbidden = { ...where, 'error.type': 'MESH_ERR_FORBIDDEN', 'http.response.status_code': 403, 'mesh.peer.service': 'orders', 'mesh.refusal.reason': 'no rule allows orders' }
    const unknown = { ...where, 'error.type': 'MESH_ERR_UNAUTHENTICATED', 'http.response.status_code': 401 }
    await send(ask, 'users', served(unknown, { endAt: at - 2_000 }), served(forbidden, { traceId, endAt: at - 1_000 }), served({ 'error.type': 'MESH_ERR_SHED' }))
    const denials = await get(ask, '/api/denials')
    expect(denials).toHaveLength(2)
    expect(denials[0]).toEqual({
      at: at - 1_000,
      service: 'users',
      caller: 'orders',
      address: '127.0.0.9',
      status: 403,
      code: 'MESH_ERR_FORBIDDEN',
      reason: 'no rule allows orders',
      method: 'GET',
      path: '/users/7',
      traceId,
    })
    expect(denials[1]).toMatchObject({ caller: null, code: 'MESH_ERR_UNAUTHENTICATED', reason: null })
    expect(await get(ask, '/api/denials?service=users&limit=1')).toHaveLength(1)
    expect(await get(ask, '/api/denials?service=orders')).toEqual([])
    expect(await get(ask, '/api/denials?windowSec=1')).toHaveLength(1)
  })
})

describe('traces', () => {
  it('are found by service, failure, duration and time, and say how often something was tried', async () => {
    const { ask, clock } = await onFakeClock()
    const [slow, failed, old] = [nextId(32), nextId(32), nextId(32)]
    const endAt = clock.epochMs()
    const retry = attempt('users-1', { 'http.request.resend_count': 1 })
    const hedge = attempt('users-2', { 'mesh.hedge': true })
    const tries = [attempt('users-1'), retry, hedge].map((span) => ({ ...span, traceId: slow, parentSpanId: 'a'.repeat(16), endAt }))
    await send(ask, 'orders', { traceId: old, endAt: endAt - 90_000 }, { traceId: slow, kind: 2, ms: 900, endAt }, ...tries)
    await send(ask, 'users', { traceId: failed, kind: 2, failed: true, endAt })
    const found = async (query: string): Promise<unknown> => (await get(ask, `/api/traces?${query}`)).map(({ traceId }) => traceId)
    expect(await found('')).toEqual([failed, slow, old])
    expect(await found('service=users')).toEqual([failed])
    expect(await found('failed=true')).toEqual([failed])
    expect(await found('minMs=500')).toEqual([slow])
    expect(await found('windowSec=60')).toEqual([failed, slow])
    expect(await get(ask, '/api/traces?minMs=500')).toMatchObject([{ spans: 4, attempts: 3, retries: 1, hedges: 1 }])
  })
})

/** Watches; ends with the test. */
async function watch(url: string): Promise<{ said: (part: string) => Promise<string>; readonly text: string }> {
  let text = ''
  const listeners = new Set<() => void>()
  const asked = request(url, { agent: false })
  onTestFinished(() => void asked.destroy())
  asked.on('response', (response) => {
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const listener of listeners) listener()
    })
    response.on('error', () => {})
  })
  asked.on('error', () => {})
  asked.end()
  const said = (part: string): Promise<string> =>
    new Promise((resolve) => {
      const look = (): void => void (text.includes(part) && resolve(text))
      listeners.add(look)
      look()
    })
  await said(': watching')
  return { said, get text() { return text } }
}

describe('the tap', () => {
  it('shows attempts and requests as they come, those that are asked for', async () => {
    const { ask, controlPlane } = await running()
    const all = await watch(`${controlPlane.url}/api/tap`)
    const few = await watch(`${controlPlane.url}/api/tap?service=users&caller=orders&failed=true`)
    const traceId = nextId(32)
    const what = { 'http.request.method': 'GET', 'url.template': '/users/{id}', 'http.response.status_code': 503, 'error.type': '503' }
    await send(ask, 'orders', { ...attempt('users-1', what), traceId, failed: true, ms: 7 }, attempt('users-2'))
    await send(ask, 'users', served({ 'http.route': '/users/:id', 'mesh.peer.service': 'orders' }))
    const events = (await all.said('/users/:id')).split('\n\n').slice(1, -1).map((event) => JSON.parse(event.replace('data: ', '')) as object)
    expect(events).toHaveLength(3)
    const whole = { at: expect.any(Number), kind: 'attempt', caller: 'orders', callee: 'users', instance: 'users-1', method: 'GET', route: '/users/{id}', status: 503, durationMs: 7, error: '503', resends: 0, hedge: false, traceId }
    expect(events[0]).toEqual(whole)
    expect(events[2]).toMatchObject({ kind: 'request', caller: 'orders', callee: 'users', route: '/users/:id', error: null })
    expect(few.text.match(/data:/g)).toHaveLength(1)
  })

  it('shows a hundred a second, and then how many there were besides', async () => {
    const clock = new FakeClock()
    const { ask, controlPlane } = await running({ clock })
    const tap = await watch(`${controlPlane.url}/api/tap`)
    await send(ask, 'orders', ...Array.from({ length: 130 }, () => attempt('users-1')))
    await clock.advance(1_000)
    expect((await tap.said('event: dropped')).match(/kind/g)).toHaveLength(100)
    expect(await tap.said('"count"')).toContain('event: dropped\ndata: {"count":30}\n\n')
    await send(ask, 'orders', attempt('users-last'))
    await tap.said('users-last')
  })

  it('has room for so many', async () => {
    const { ask, controlPlane } = await running()
    for (let i = 0; i < 20; i++) await watch(`${controlPlane.url}/api/tap`)
    expect(await ask('/api/tap')).toMatchObject({ status: 503 })
  })
})
