import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bySecret } from '../../../src/auth/client-authentication.js'
import { createIssuerTokens } from '../../../src/auth/issuer-tokens.js'
import { createIssuerKeys } from '../../../src/auth/keys.js'
import { publicJwkOf } from '../../../src/auth/signing-key.js'
import { createVerifier } from '../../../src/auth/verifier.js'
import { createHttpClient, type HttpClient } from '../../../src/base/http.js'
import { createControlPlane, type ControlPlane, type ControlPlaneOptions } from '../../../src/control-plane/control-plane.js'
import { fixed } from '../../../src/discovery/fixed.js'
import { createMesh } from '../../../src/mesh.js'
import { Peer } from '../../compat/peer.js'
import { FakeClock, settled } from '../../support/fake-clock.js'
import { RawSigner } from '../../support/raw-token.js'

const CLUSTER = 'https://kubernetes.default.svc'
const ORDERS = 'system:serviceaccount:shop:orders'
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const clientKey = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const orders = { keys: [publicJwkOf(privateKey)] }
const assertions = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }

const closers: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function planeWith(options: ControlPlaneOptions): Promise<ControlPlane> {
  const plane = await createControlPlane({ port: 0, ...options })
  closers.push(() => plane.close())
  return plane
}

async function ask(plane: ControlPlane, form: Record<string, string>, headers: Record<string, string> = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${plane.url}/oauth2/token`, { method: 'POST', headers, body: new URLSearchParams(form) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('a client without a secret', () => {
  let users: Peer
  beforeEach(async () => {
    users = await Peer.start()
    closers.push(() => users.close())
  })

  async function shown(identity: NonNullable<Parameters<typeof createMesh>[0]['identity']>): Promise<Record<string, unknown>> {
    const mesh = createMesh({ service: 'orders', registry: fixed({ users: [users.address] }), identity })
    closers.push(() => mesh.close())
    await (await mesh.fetch('http://users/')).text()
    return decodeJwt(users.tokens[0]!.replace('Bearer ', ''))
  }

  it('has tokens for its key', async () => {
    const plane = await planeWith({ clientKeys: { orders } })
    expect(await shown({ issuer: plane.url, clientKey })).toMatchObject({ iss: plane.url, sub: 'orders', aud: 'users' })
  })

  it('has tokens for a service-account token, that live no longer than it does', async () => {
    const cluster = new RawSigner()
    const plane = await planeWith({ tokenExchange: { issuer: CLUSTER, jwks: cluster.jwks, subjects: { orders: ORDERS } } })
    const folder = mkdtempSync(join(tmpdir(), 'exchange-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'token')
    const now = Math.floor(Date.now() / 1000)
    const account = { iss: CLUSTER, sub: ORDERS, aud: [plane.url], iat: now - 3_000, exp: now + 200 }
    writeFileSync(path, cluster.token(account, { typ: undefined }))
    const claims = await shown({ issuer: plane.url, clientTokenFile: path })
    expect(claims).toMatchObject({ iss: plane.url, sub: 'orders', aud: 'users' })
    expect(claims['exp']).toBeLessThanOrEqual(now + 200)
  })
})

describe('the issuer', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['of another client', { iss: 'users', sub: 'users' }, 'orders'],
    ['that names another subject', { sub: 'users' }, 'orders'],
    ['under the name of another client', {}, 'users'],
    ['for another issuer', { aud: 'https://issuer.test' }, 'orders'],
    ['for two audiences', { aud: 'both' }, 'orders'],
    ['without a jti', { jti: undefined }, 'orders'],
    ['with a long life', { exp: 4e9 }, 'orders'],
    ['that has ended', { iat: 1, exp: 2 }, 'orders'],
  ])('refuses an assertion %s', async (_, overrides, id) => {
    const signer = new RawSigner()
    const plane = await planeWith({ clientKeys: { orders: signer.jwks, users: new RawSigner().jwks } })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: 'orders', sub: 'orders', aud: plane.url, iat: now, exp: now + 60, jti: 'one', ...overrides }
    const aud = claims.aud === 'both' ? [plane.url, 'https://issuer.test'] : claims.aud
    const form = { grant_type: 'client_credentials', audience: 'billing', client_id: id, ...assertions }
    const refused = await ask(plane, { ...form, client_assertion: signer.token({ ...claims, aud }, { typ: 'JWT' }) })
    expect(refused).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  it('takes an assertion once, and none that is another kind of token', async () => {
    const signer = new RawSigner()
    const plane = await planeWith({ clientKeys: { orders: signer.jwks } })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: 'orders', sub: 'orders', aud: plane.url, iat: now, exp: now + 60, jti: 'one' }
    const form = { grant_type: 'client_credentials', audience: 'users', client_id: 'orders', ...assertions }
    const assertion = signer.token(claims, { typ: 'client-authentication+jwt' })
    expect(await ask(plane, { ...form, client_assertion: signer.token(claims) })).toMatchObject({ status: 401 })
    expect(await ask(plane, { ...form, client_assertion: assertion })).toMatchObject({ status: 200 })
    expect(await ask(plane, { ...form, client_assertion: assertion })).toMatchObject({ status: 401 })
  })

  it('takes no assertion of a time before it began: a process before it may have taken that', async () => {
    const signer = new RawSigner()
    const clock = new FakeClock()
    await clock.advance(10_000)
    const plane = await planeWith({ clientKeys: { orders: signer.jwks }, clock })
    const form = { grant_type: 'client_credentials', audience: 'users', client_id: 'orders', ...assertions }
    const began = Math.floor(clock.epochMs() / 1000)
    const answers = [began - 1, began, began + 1].map(async (iat) => {
      const claims = { iss: 'orders', sub: 'orders', aud: plane.url, iat, exp: iat + 60, jti: String(iat) }
      return (await ask(plane, { ...form, client_assertion: signer.token(claims, { typ: 'client-authentication+jwt' }) })).status
    })
    expect(await Promise.all(answers)).toEqual([401, 200, 200])
  })

  it('takes no shared secret from a client that has a key', async () => {
    const plane = await planeWith({ clientSecret: 'shared', clientKeys: { orders } })
    const form = { grant_type: 'client_credentials', audience: 'billing', client_secret: 'shared' }
    expect(await ask(plane, { ...form, client_id: 'orders' })).toMatchObject({ status: 401 })
    expect(await ask(plane, { ...form, client_id: 'users' })).toMatchObject({ status: 200 })
  })

  it.each<[string, Record<string, string>, number, string]>([
    ['subject B with its own secret', { client_id: 'users' }, 401, 'invalid_client'],
    ['subject B by a parameter', { sub: 'users' }, 400, 'invalid_request'],
    ['subject B by another parameter', { requested_subject: 'users' }, 400, 'invalid_request'],
    ['an audience that is not its own to call', { audience: 'vault' }, 400, 'invalid_target'],
    ['a longer life', { expires_in: '86400' }, 400, 'invalid_request'],
    ['an end of its own', { exp: '4000000000' }, 400, 'invalid_request'],
    ['a scope', { scope: 'admin' }, 400, 'invalid_scope'],
  ])('K09 refuses A that asks for %s', async (_, more, status, error) => {
    const plane = await planeWith({ clients: { orders: 'hush', users: 'other' }, audiences: { orders: ['billing'] } })
    const own = { grant_type: 'client_credentials', client_id: 'orders', client_secret: 'hush', audience: 'billing' }
    expect(await ask(plane, own)).toMatchObject({ status: 200 })
    expect(await ask(plane, { ...own, ...more })).toMatchObject({ status, body: { error } })
  })

  it.each<[string, Record<string, unknown>, Record<string, string>]>([
    ['subject B with the account of A', {}, { client_id: 'users' }],
    ['A with another account', { sub: 'system:serviceaccount:shop:billing' }, {}],
    ['A with a token for the cluster', { aud: CLUSTER }, {}],
    ['A with a token of another cluster', { iss: 'https://other.test' }, {}],
    ['A with a token that has ended', { exp: 1_700_000_000, iat: 1_699_999_000 }, {}],
  ])('K09 refuses the exchange for %s', async (_, overrides, more) => {
    const cluster = new RawSigner()
    const subjects = { orders: ORDERS, users: 'system:serviceaccount:shop:users' }
    const plane = await planeWith({ tokenExchange: { issuer: CLUSTER, jwks: cluster.jwks, subjects } })
    const now = Math.floor(Date.now() / 1000)
    const claims = { iss: CLUSTER, sub: ORDERS, aud: plane.url, iat: now, exp: now + 600, ...overrides }
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: 'orders',
      audience: 'users',
      subject_token: cluster.token(claims, { typ: undefined }),
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      ...more,
    }
    expect(await ask(plane, form)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })
})

describe("K08 an issuer's clock that is two minutes wrong", () => {
  /** A call every ten seconds for ten minutes: in which seconds the callee refused it, and how many tokens were made. */
  async function tenMinutes(wrongMs: number): Promise<{ refusedAt: number[]; minted: number }> {
    const clock = new FakeClock()
    const issuerClock = new FakeClock(clock.epochMs() + wrongMs)
    const plane = await planeWith({ clients: { orders: 'hush' }, clock: issuerClock })
    const real = createHttpClient()
    closers.push(() => real.close())
    const asked: string[] = []
    const underWay = new Set<Promise<unknown>>()
    const request: HttpClient['request'] = (one) => {
      const answer = real.request(one)
      asked.push(one.url)
      underWay.add(answer)
      return answer
    }
    const access = { issuer: plane.url, http: { ...real, request }, timeoutMs: 60_000, clock, random: () => 1 }
    const tokens = createIssuerTokens({ ...access, authentication: bySecret('orders', 'hush'), tokenEndpoint: undefined })
    const verifier = createVerifier({ issuer: plane.url, audience: 'users', keys: createIssuerKeys({ ...access, jwksUrl: undefined }), clock })
    const refusedAt: number[] = []
    for (let second = 0; second < 600; second += 10) {
      const token = await tokens.token('users')
      await Promise.resolve(verifier.verify(token)).catch(() => refusedAt.push(second))
      await settled()
      await Promise.all(underWay)
      await Promise.all([clock.advance(10_000), issuerClock.advance(10_000)])
    }
    return { refusedAt, minted: asked.filter((url) => url.endsWith('/oauth2/token')).length }
  }

  it('ahead: a token is refused until the leeway reaches the time of its issue, and no more are made than with a true clock', async () => {
    const [right, wrong] = [await tenMinutes(0), await tenMinutes(120_000)]
    expect(right).toEqual({ refusedAt: [], minted: 3 })
    const seconds = (from: number, to: number): number[] => Array.from({ length: (to - from) / 10 }, (_, i) => from + i * 10)
    // Tokens are made in the seconds 0, 210 and 420; the latter two serve from the next call on.
    expect(wrong).toEqual({ refusedAt: [...seconds(0, 90), ...seconds(220, 300), ...seconds(430, 510)], minted: right.minted })
  })

  it('behind: tokens serve until they are renewed, where the call that sets off the renewal may be refused, and no more are made', async () => {
    expect(await tenMinutes(-120_000)).toEqual({ refusedAt: [210, 420], minted: 3 })
  })
})
