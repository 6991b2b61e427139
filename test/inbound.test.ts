import { beforeEach, describe, expect, it } from 'vitest'
import { livePolicy } from '../src/auth/live-policy.js'
import type { AccessPolicy } from '../src/auth/policy.js'
import { MeshError } from '../src/base/errors.js'
import { Cancellation } from '../src/call/cancellation.js'
import type { Arrival, InboundReply } from '../src/call/inbound.js'
import type { InboundOptions } from '../src/inbound-options.js'
import { InboundScene, ISSUER } from './support/inbound-mesh.js'
import { RawSigner } from './support/raw-token.js'

const POLICY: InboundOptions = {
  policy: { allow: [{ from: ['orders'], methods: ['GET'], paths: ['/users/:id'] }] },
  exempt: ['/healthz'],
}
const OK: InboundReply = { status: 200, route: '/users/:id', aborted: false, answer: undefined }

let scene: InboundScene
let admitted: number

beforeEach(async () => {
  scene = await InboundScene.create()
  admitted = 0
})

function arrival(overrides: Partial<Omit<Arrival, 'header'>> & { headers?: Record<string, string> } = {}): Arrival {
  const { headers = {}, ...others } = overrides
  return {
    method: 'GET',
    target: '/users/42',
    scheme: 'http',
    remoteAddress: '127.0.0.1',
    cancellation: new Cancellation(),
    header: (name) => headers[name],
    proceed: async () => (admitted++, OK),
    ...others,
  }
}

interface ProblemBody {
  readonly status: number
  readonly code: string
}

function told(reply: InboundReply): ProblemBody {
  return JSON.parse(reply.answer!.body) as ProblemBody
}

describe('inbound stack', () => {
  it('hands an allowed request to the application, with its caller, and gives back how it was answered', async () => {
    let principal: string | undefined
    const handle = scene.inbound(POLICY)
    const proceed: Arrival['proceed'] = async ({ peer }) => ((principal = peer?.principal), OK)
    expect(await handle(arrival({ headers: await scene.bearer('orders'), proceed }))).toBe(OK)
    expect(principal).toBe('orders')
    expect(scene.denied).toEqual([])
  })

  it('tells the caller a code, and the operator the reason and the caller', async () => {
    const reply = await scene.inbound(POLICY)(arrival({ headers: await scene.bearer('intruder'), target: '/users/42?key=secret' }))
    expect(reply).toMatchObject({ status: 403, aborted: false })
    expect(JSON.parse(reply.answer!.body)).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      code: 'MESH_ERR_FORBIDDEN',
      detail: 'The caller may not make this request.',
    })
    expect(reply.answer!.headers['content-type']).toBe('application/problem+json')
    expect(scene.denied).toEqual([
      {
        ...{ status: 403, code: 'MESH_ERR_FORBIDDEN', method: 'GET', path: '/users/42', peer: 'intruder' },
        reason: 'no rule of policy.allow matches',
      },
    ])
    expect(admitted).toBe(0)
  })

  it('Z06 without a token: 401 on a protected path, 200 on an exempt one', async () => {
    const handle = scene.inbound(POLICY)
    const refused = await handle(arrival())
    expect(told(refused)).toMatchObject({ status: 401, code: 'MESH_ERR_UNAUTHENTICATED' })
    expect(refused.answer!.headers['www-authenticate']).toBe('Bearer')
    expect(await handle(arrival({ target: '/healthz?full=1' }))).toBe(OK)
  })

  it('Z06 nothing but the very path is exempt', async () => {
    const handle = scene.inbound(POLICY)
    const twisted = ['/healthz/', '/HEALTHZ', '//healthz', '/healthz/..', '/%68ealthz', '/healthz;x', '/healthz#', '/x/../healthz']
    for (const target of [...twisted, 'http://users/healthz']) {
      expect((await handle(arrival({ target }))).status, target).toBe(401)
    }
    expect(admitted).toBe(0)
  })

  it('Z05 without a policy everything is refused, and each refusal says so', async () => {
    for (const options of [{}, { policy: {} }, { policy: { allow: [] } }]) {
      expect((await scene.inbound(options)(arrival({ headers: await scene.bearer('orders') }))).status).toBe(403)
    }
    expect(scene.denied.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('there is no policy'),
      expect.stringContaining('policy.allow is empty'),
      expect.stringContaining('policy.allow is empty'),
    ])
  })

  it('Z07 a preflight needs a token like anything else', async () => {
    expect((await scene.inbound(POLICY)(arrival({ method: 'OPTIONS', headers: { origin: 'https://a.test' } }))).status).toBe(401)
  })

  it('Z02 answers 400 to a path that has two readings, once it knows who asks', async () => {
    const handle = scene.inbound({ policy: { allow: [{ from: ['*'] }] } })
    const headers = await scene.bearer('orders')
    for (const target of ['//users/42', '/users/%2e%2e/admin', '/users%2f42', '/users;x', 'http://users/users/42', '*']) {
      expect(told(await handle(arrival({ target, headers }))), target).toMatchObject({ status: 400, code: 'MESH_ERR_BAD_PATH' })
    }
    expect((await handle(arrival({ target: '//users/42' }))).status).toBe(401)
    expect(admitted).toBe(0)
  })

  it.each(['', 'Bearer', 'Bearer ', 'Bearer  x', 'Basic dXNlcg==', 'Bearer a, Bearer b', 'Bearer a b', 'bearer\ta', 'Bearer a.b.c\n'])(
    'J13 refuses the authorization %j',
    async (authorization) => {
      const reply = await scene.inbound(POLICY)(arrival({ headers: { authorization } }))
      expect(told(reply)).toMatchObject({ status: 401, code: 'MESH_ERR_UNAUTHENTICATED' })
      expect(reply.answer!.headers['www-authenticate']).toBe('Bearer error="invalid_token"')
    },
  )

  it('J13 refuses a good token beside another one, also while no keys can be had', async () => {
    const keys = { find: () => Promise.reject(new Error('down')) }
    const cut = await InboundScene.create({ verification: { issuer: ISSUER, keys } })
    const authorization = `Bearer ${await cut.token('orders')}, Bearer x`
    expect((await cut.inbound(POLICY)(arrival({ headers: { authorization } }))).status).toBe(401)
  })

  it('answers 503 when the keys of the issuer cannot be had: the caller may try elsewhere', async () => {
    const keys = { find: () => Promise.reject(new MeshError('MESH_ERR_KEYS', 'the issuer is down')) }
    const cut = await InboundScene.create({ verification: { issuer: ISSUER, keys } })
    const reply = await cut.inbound(POLICY)(arrival({ headers: await cut.bearer('orders') }))
    expect(told(reply)).toMatchObject({ status: 503, code: 'MESH_ERR_KEYS' })
    expect(reply.answer!.headers['mesh-not-processed']).toBe('1')
  })

  it('refuses a token for another service, of another issuer, and of another key', async () => {
    const handle = scene.inbound(POLICY)
    const claims = { iss: ISSUER, sub: 'orders', aud: 'users', lifetimeMs: 300_000 }
    const tokens = [
      await scene.signer.sign({ ...claims, aud: 'billing' }),
      await scene.signer.sign({ ...claims, iss: 'https://other.test' }),
      await scene.signer.sign({ ...claims, lifetimeMs: 2 * 3_600_000 }),
      new RawSigner().token({ ...claims, iat: 0, exp: 1 }),
    ]
    for (const token of tokens) expect((await handle(arrival({ headers: { authorization: `Bearer ${token}` } }))).status).toBe(401)
    expect(scene.denied.map(({ reason }) => reason)).toEqual([
      'the token is refused: it is for another audience',
      'the token is refused: it is of another issuer',
      'the token is refused: its lifetime is longer than allowed',
      'the token is refused: its key is not one of the issuer',
    ])
  })

  it('takes another audience where the options name one', async () => {
    const token = await scene.signer.sign({ iss: ISSUER, sub: 'orders', aud: 'api://users', lifetimeMs: 300_000 })
    const reply = await scene.inbound({ ...POLICY, audience: 'api://users' })(arrival({ headers: { authorization: `Bearer ${token}` } }))
    expect(reply).toBe(OK)
  })

  it('O07 no reason, problem or event holds any part of a token', async () => {
    const handle = scene.inbound(POLICY)
    const token = await scene.signer.sign({ iss: ISSUER, sub: 'orders', aud: 'billing', lifetimeMs: 300_000 })
    const replies = []
    for (const sent of [token, `${token}x`]) replies.push(await handle(arrival({ headers: { authorization: `Bearer ${sent}` } })))
    const said = JSON.stringify([replies, scene.denied])
    for (const part of token.split('.')) expect(said).not.toContain(part.slice(0, 20))
  })

  it('while draining refuses before it looks at anything, and says that nothing was done', async () => {
    const handle = scene.inbound(POLICY)
    scene.host.drain.begin()
    const reply = await handle(arrival({ headers: await scene.bearer('orders') }))
    expect(told(reply)).toMatchObject({ status: 503, code: 'MESH_ERR_DRAINING' })
    expect(reply.answer!.headers).toMatchObject({ 'mesh-not-processed': '1', connection: 'close' })
  })

  it('L08 answers 504 to a request for which nobody waits any more', async () => {
    const reply = await scene.inbound(POLICY)(arrival({ headers: { ...(await scene.bearer('orders')), 'mesh-timeout-ms': '0' } }))
    expect(told(reply)).toMatchObject({ status: 504, code: 'MESH_ERR_DEADLINE' })
  })

  it('the application runs in the context of its request: caller, deadline and trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const headers = { ...(await scene.bearer('orders')), traceparent, 'mesh-timeout-ms': '500' }
    let context: typeof scene.host.ambient.current
    const proceed: Arrival['proceed'] = async () => {
      await new Promise(setImmediate)
      context = scene.host.ambient.current
      return OK
    }
    await scene.inbound(POLICY)(arrival({ headers, proceed }))
    expect(context).toMatchObject({ peer: { service: 'orders' }, traceHeaders: ['traceparent', traceparent] })
    expect(context!.deadlineAt - scene.host.clock.now()).toBeLessThanOrEqual(500)
    expect(scene.host.ambient.current).toBeUndefined()
  })

  it("an error of the application's own is none of the mesh's business", async () => {
    const proceed: Arrival['proceed'] = () => Promise.reject(new Error('broken handler'))
    await expect(scene.inbound(POLICY)(arrival({ headers: await scene.bearer('orders'), proceed }))).rejects.toThrow('broken handler')
    expect(scene.denied).toEqual([])
  })

  it.each<[object, string]>([
    [{ polcy: {} }, 'polcy: unknown option'],
    [{ policy: { alow: [] } }, 'policy.alow: unknown option'],
    [{ exempt: '/healthz' }, 'exempt: expected a list'],
    [{ exempt: ['/healthz', '/a/../b'] }, 'exempt[1]: expected a path'],
    [{ exempt: ['/healthz?x'] }, 'exempt[0]: expected a path'],
    [{ audience: '' }, 'audience: expected a non-empty string'],
    [{ leewayMs: 60_001 }, 'leewayMs: expected a whole number from 0 to 60000'],
    [{ maxLifetimeMs: 0 }, 'maxLifetimeMs: expected a positive number'],
  ])('Z13 does not start with %j', (options, message) => {
    expect(() => scene.inbound(options as InboundOptions)).toThrow(message)
  })

  it('Z13 judges by the last good policy, and tells what becomes of another', async () => {
    const policy = livePolicy(POLICY.policy as AccessPolicy)
    const handle = scene.inbound({ policy })
    const told: unknown[] = []
    scene.host.events.on('policyReplaced', () => told.push('replaced'))
    scene.host.events.on('policyRefused', ({ reason }) => told.push(reason))
    const headers = await scene.bearer('orders')
    const statusOf = async (): Promise<number> => (await handle(arrival({ headers }))).status
    expect(await statusOf()).toBe(200)
    expect(() => policy.replace({ allow: [{ from: ['*'], path: ['/'] } as never] })).toThrow('policy.allow[0].path: unknown option')
    expect(await statusOf()).toBe(200)
    policy.replace({ allow: [{ from: ['mail'] }] })
    expect(await statusOf()).toBe(403)
    expect(told).toEqual([expect.stringContaining('policy.allow[0].path: unknown option'), 'replaced'])
  })

  it('Z13 no request that comes while policies are replaced is judged by neither', async () => {
    const policy = livePolicy({ allow: [{ from: ['*'] }], deny: [{ from: ['orders'] }] })
    const handle = scene.inbound({ policy })
    const headers = await scene.bearer('orders')
    const replies: Promise<InboundReply>[] = []
    for (let i = 0; i < 200; i++) {
      replies.push(Promise.resolve(handle(arrival({ headers }))))
      if (i % 3 === 0) policy.replace({ allow: [{ from: ['mail'] }] })
      else if (i % 3 === 1) policy.replace({ allow: [{ from: ['*'] }], deny: [{ from: ['orders'] }] })
      else expect(() => policy.replace({ deny: {} } as AccessPolicy)).toThrow('policy.deny')
      if (i % 7 === 0) await new Promise(setImmediate)
    }
    expect(new Set((await Promise.all(replies)).map(({ status }) => status))).toEqual(new Set([403]))
    expect(new Set(scene.denied.map(({ reason }) => reason))).toEqual(new Set(['policy.deny[0]', 'no rule of policy.allow matches']))
    expect(admitted).toBe(0)
  })

  it('tells what would have become of a request by what is only tried, and lets that decide nothing', async () => {
    const audited: unknown[] = []
    scene.host.events.on('audited', (event) => audited.push(event))
    const handle = scene.inbound({ policy: { allow: [{ from: ['orders'] }], deny: [{ from: ['*'], paths: ['/users/*'], dryRun: true }] } })
    const headers = await scene.bearer('orders')
    expect(await handle(arrival({ headers, target: '/users/42?key=secret' }))).toBe(OK)
    expect(await handle(arrival({ headers, target: '/' }))).toBe(OK)
    expect(audited).toEqual([{ allowed: false, rule: 'policy.deny[0]', method: 'GET', path: '/users/42', peer: 'orders' }])
    expect(scene.denied).toEqual([])
  })

  it('judges by host, header, address and port as they came', async () => {
    const policy = { allow: [{ from: ['*'], hosts: ['users'], ports: [8080], when: [{ header: 'X-Env', values: ['live'] }, { addresses: ['127.0.0.0/8'] }] }] }
    const handle = scene.inbound({ policy })
    const headers = { ...(await scene.bearer('orders')), host: 'USERS:8080', 'x-env': 'live' }
    expect(await handle(arrival({ headers, localPort: 8080 }))).toBe(OK)
    for (const other of [{ headers: { ...headers, host: 'mail' } }, { headers: { ...headers, 'x-env': 'live, test' } }, { remoteAddress: '10.0.0.1' }, { localPort: 81 }]) {
      expect((await handle(arrival({ headers, localPort: 8080, ...other }))).status, JSON.stringify(other)).toBe(403)
    }
  })

  it('a policy that is shared tells a mesh no more that is closed', () => {
    const policy = livePolicy({ allow: [{ from: ['*'] }] })
    const told: string[] = []
    scene.host.events.on('policyReplaced', () => told.push('replaced'))
    scene.inbound({ policy })
    scene.inbound({ policy })
    policy.replace({ allow: [{ from: ['*'] }] })
    expect(told).toEqual(['replaced', 'replaced'])
    scene.host.events.emit('closed', {})
    policy.replace({ allow: [{ from: ['*'] }] })
    expect(told).toHaveLength(2)
  })

  it('does not start without an issuer', async () => {
    const alone = await InboundScene.create({ verification: undefined })
    expect(() => alone.inbound(POLICY)).toThrow('identity.issuer: expected the issuer whose tokens callers must bring')
  })
})

describe('shedding at the door', () => {
  /** As many as may be inside are inside. */
  async function full(options: InboundOptions = {}) {
    const handle = scene.inbound({ ...POLICY, health: true, shed: { maxInFlight: 1 }, ...options })
    const headers = await scene.bearer('orders')
    void handle(arrival({ headers, proceed: () => new Promise(() => {}) }))
    await new Promise(setImmediate)
    return { handle, headers }
  }

  it('refuses before it asks who calls, as not processed, and tells of it', async () => {
    const { handle } = await full()
    const reply = await handle(arrival({ target: '/users/42?key=secret' }))
    expect(told(reply)).toMatchObject({ status: 503, code: 'MESH_ERR_SHED', detail: 'This instance has more to do than it can.' })
    expect(reply.answer!.headers).toMatchObject({ 'retry-after': '1', 'mesh-not-processed': 'shed' })
    expect(scene.denied).toMatchObject([{ status: 503, code: 'MESH_ERR_SHED', path: '/users/42', reason: expect.stringContaining('1 requests are being answered') }])
    expect(scene.host.shedCounts).toEqual({ critical: 0, normal: 1, low: 0 })
  })

  it('answers probes and exempt paths all the same', async () => {
    const { handle } = await full()
    expect((await handle(arrival({ target: '/readyz' }))).status).toBe(200)
    expect(await handle(arrival({ target: '/healthz' }))).toBe(OK)
  })

  it('sheds by the priority that the caller claims, and still asks who that is', async () => {
    const { handle, headers } = await full()
    const critical = { 'mesh-priority': 'critical' }
    expect((await handle(arrival({ headers: critical }))).status).toBe(401)
    expect(await handle(arrival({ headers: { ...headers, ...critical } }))).toBe(OK)
    for (const priority of ['low', 'normal', 'CRITICAL', 'critical, critical', '']) {
      expect((await handle(arrival({ headers: { ...headers, 'mesh-priority': priority } }))).status, priority).toBe(503)
    }
  })

  it('takes all for normal where priorities are not trusted', async () => {
    const { handle, headers } = await full({ shed: { maxInFlight: 1, trustPriority: false } })
    expect((await handle(arrival({ headers: { ...headers, 'mesh-priority': 'critical' } }))).status).toBe(503)
  })

  it('sheds nothing where it is switched off', async () => {
    const { handle, headers } = await full({ shed: false })
    expect(await handle(arrival({ headers }))).toBe(OK)
  })

  it('carries the priority on, of a verified caller and of nobody else', async () => {
    const handle = scene.inbound(POLICY)
    const seen: unknown[] = []
    const proceed: Arrival['proceed'] = async () => (seen.push(scene.host.ambient.current?.priority), OK)
    const low = { 'mesh-priority': 'low' }
    await handle(arrival({ headers: { ...(await scene.bearer('orders')), ...low }, proceed }))
    await handle(arrival({ headers: low, target: '/healthz', proceed }))
    await handle(arrival({ headers: await scene.bearer('orders'), proceed }))
    expect(seen).toEqual(['low', 'normal', 'normal'])
  })
})

describe('faults on purpose', () => {
  const FAULTS: InboundOptions = { ...POLICY, faults: [{ ratio: 1, abort: { status: 500 }, when: { peer: 'orders' } }] }

  it('are refused unless the mesh was made for them', () => {
    expect(() => scene.inbound(FAULTS)).toThrow('faults: expected none, unless createMesh was given faultInjection: true')
    scene.inbound({ ...POLICY, faults: [] })
  })

  it('happen to callers that are known and allowed, and are told', async () => {
    const ready = await InboundScene.create({ faultInjection: true })
    const told: unknown[] = []
    ready.host.events.on('faultInjected', (event) => told.push(event))
    const handle = ready.inbound(FAULTS)
    expect((await handle(arrival())).status).toBe(401)
    expect((await handle(arrival({ headers: await ready.bearer('intruder') }))).status).toBe(403)
    expect(await handle(arrival({ target: '/healthz' }))).toBe(OK)
    expect(told).toEqual([])
    const reply = await handle(arrival({ headers: await ready.bearer('orders'), target: '/users/42?key=secret' }))
    expect(reply).toMatchObject({ status: 500, answer: { status: 500 } })
    expect(told).toEqual([{ delayMs: 0, status: 500, method: 'GET', path: '/users/42', peer: 'orders' }])
    expect(admitted).toBe(1)
  })
})
