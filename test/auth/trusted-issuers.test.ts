import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foreignTokens } from '../../src/auth/foreign-tokens.js'
import { readKeySet } from '../../src/auth/key-set.js'
import type { Keys } from '../../src/auth/keys.js'
import { serviceAccounts } from '../../src/auth/service-accounts.js'
import { serviceTokens, svids, type TokenProfile } from '../../src/auth/token-profile.js'
import { verifierOf, type IssuerRules } from '../../src/auth/verifier.js'
import { FakeClock } from '../support/fake-clock.js'
import { RawSigner } from '../support/raw-token.js'

const MESH = 'http://127.0.0.1:7117'
const LOGIN = 'https://login.example.com'
const CLUSTER = 'https://kubernetes.default.svc.cluster.local'
const SPIRE = 'https://oidc.example.org'
const clock = new FakeClock()
const now = clock.epochMs() / 1000

const login = { issuer: LOGIN, typ: 'at+jwt', principalClaim: 'client_id', services: { billing: 'b3c7' } } as const
const shop = { namespaces: ['shop'], services: { orders: 'system:serviceaccount:shop:orders' } }

/** All keys have one name, so that nothing but the issuer tells them apart. */
const signers = { mesh: new RawSigner(), login: new RawSigner(), cluster: new RawSigner(), spire: new RawSigner() }

async function rules(issuer: string, profile: TokenProfile, signer: RawSigner, more: Partial<IssuerRules> = {}): Promise<IssuerRules> {
  const set = await readKeySet(signer.jwks)
  const keys: Keys = { find: (kid) => set.get(kid) }
  return { issuer, profile, keys, audience: 'users', leewayMs: 30_000, maxLifetimeMs: profile.maxLifetimeMs, ...more }
}

const issuers = await Promise.all([
  rules(MESH, serviceTokens, signers.mesh),
  rules(LOGIN, foreignTokens(login), signers.login, { audience: 'api://users' }),
  rules(CLUSTER, serviceAccounts(shop), signers.cluster),
  rules(SPIRE, svids('example.org', { stock: 'spiffe://example.org/ns/shop/sa/stock' }), signers.spire),
])
const verifier = verifierOf(issuers, clock)
const verify = async (token: string): Promise<unknown> => verifier.verify(token)
const refused = (reason: string): object => ({ message: expect.stringContaining(reason) as string })

const times = { iat: now, exp: now + 300 }
const ofMesh = { iss: MESH, sub: 'orders', aud: 'users', ...times }
const ofLogin = { iss: LOGIN, sub: 'f00d', client_id: 'b3c7', aud: 'api://users', ...times }
const ofSpire = { sub: 'spiffe://example.org/ns/shop/sa/stock', aud: ['users'], exp: now + 300 }
const bound = { namespace: 'shop', serviceaccount: { name: 'orders', uid: '1' }, pod: { name: 'orders-1', uid: '2' } }
const ofCluster = { iss: CLUSTER, sub: 'system:serviceaccount:shop:orders', aud: ['users'], nbf: now, 'kubernetes.io': bound, iat: now, exp: now + 3607 }
const untyped = { typ: undefined }

describe('several trusted issuers', () => {
  it.each<[string, string, object]>([
    ["the mesh's own", signers.mesh.token(ofMesh), { service: 'orders', principal: 'orders', issuer: MESH }],
    ['another OAuth issuer', signers.login.token(ofLogin), { service: 'billing', principal: `${LOGIN}#b3c7`, issuer: LOGIN }],
    ['a cluster', signers.cluster.token(ofCluster, untyped), { service: 'orders', principal: 'system:serviceaccount:shop:orders', issuer: CLUSTER }],
    ['a trust domain, though its tokens name no issuer', signers.spire.token(ofSpire, untyped), { service: 'stock', principal: ofSpire.sub, issuer: SPIRE }],
  ])('each speak by tokens of their own kind: %s', async (_, token, peer) => {
    expect(await verify(token)).toMatchObject(peer)
    expect(verifier.verify(token)).not.toBeInstanceOf(Promise)
  })

  it.each<[string, string, string]>([
    ['signed with the key of another', signers.login.token(ofMesh), 'signature is not good'],
    ['of a cluster, signed by the mesh', signers.mesh.token(ofCluster, untyped), 'signature is not good'],
    ['of a trust domain, signed by a cluster', signers.cluster.token(ofSpire, untyped), 'signature is not good'],
    ['of nobody who is trusted', signers.mesh.token({ ...ofMesh, iss: 'https://evil.test' }), 'another issuer'],
    ['of an issuer alike in all but a slash', signers.mesh.token({ ...ofMesh, iss: `${MESH}/` }), 'another issuer'],
    ['that names no issuer, of a kind that must', signers.mesh.token({ ...ofMesh, iss: undefined }), 'another issuer'],
    ['that names no issuer, with a subject of another domain', signers.spire.token({ ...ofSpire, sub: 'spiffe://other.org/x' }, untyped), 'another issuer'],
    ['that names two issuers', signers.mesh.token({ ...ofMesh, iss: [MESH, LOGIN] }), 'another issuer'],
    ['of the kind of another', signers.mesh.token(ofMesh, { typ: 'JWT' }), 'typ'],
    ['of a cluster as if of the mesh', signers.cluster.token(ofCluster), 'typ'],
    ["with another one's audience", signers.login.token({ ...ofLogin, aud: 'users' }), 'another audience'],
    ["with another one's subjects", signers.cluster.token({ ...ofCluster, sub: 'orders' }, untyped), 'not a service account'],
    ["with another one's life", signers.login.token({ ...ofLogin, exp: now + 3_607 }), 'lifetime'],
  ])('J19 refuse a token %s', async (_, token, reason) => {
    await expect(verify(token)).rejects.toMatchObject(refused(reason))
  })

  it('J15 a remembered token goes with the key of its own issuer', async () => {
    let set = await readKeySet(signers.login.jwks)
    const [mesh, other] = issuers
    const both = verifierOf([mesh, { ...other, keys: { find: (kid) => set.get(kid) } }], clock)
    const token = signers.login.token(ofLogin)
    await both.verify(token)
    set = new Map()
    await expect(Promise.resolve(both.verify(token))).rejects.toMatchObject(refused('not one of the issuer'))
  })
})

describe('access tokens of another issuer', () => {
  const callerOf = (claims: object, more: Partial<Parameters<typeof foreignTokens>[0]> = {}) => foreignTokens({ ...login, ...more }).callerOf(claims as Record<string, unknown>)

  it('make nobody a service of the mesh by its name alone', () => {
    expect(callerOf({ sub: 'x', client_id: 'orders' })).toEqual({ service: `${LOGIN}#orders`, principal: `${LOGIN}#orders` })
  })

  it.each([{}, { sub: 'x' }, { sub: 'x', client_id: '' }, { sub: 'x', client_id: ['b3c7'] }, { sub: 'x', client_id: 'c'.repeat(257) }, { client_id: 'b3c7' }])('are refused without a caller: %j', (claims) => {
    expect(() => callerOf(claims)).toThrow('is not a short string')
  })

  it('take no claim for one that every object has', () => {
    expect(() => callerOf({ sub: 'x' }, { principalClaim: 'constructor' })).toThrow('its constructor is not a short string')
  })

  it.each(['nonce', 'at_hash', 'c_hash', 's_hash'])('J11 are no ID tokens, where the type does not tell: %s', (name) => {
    expect(() => callerOf({ sub: 'x', client_id: 'b3c7', [name]: 'y' }, { typ: 'JWT' })).toThrow('it is an ID token')
    expect(callerOf({ sub: 'x', client_id: 'b3c7' }, { typ: 'JWT' })).toMatchObject({ service: 'billing' })
  })

  it('of two issuers never name one caller', () => {
    const url = fc.constantFrom('https://a.test', 'https://a.test/', 'https://a.test/b', 'https://a.test/b/', 'https://b.test')
    const name = fc.array(fc.constantFrom('#', '/', 'b', 'https://a.test', 'orders'), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(url, url, name, name, (a, b, x, y) => {
        fc.pre(a !== b)
        const named = (issuer: string, sub: string): string => foreignTokens({ ...login, issuer, principalClaim: 'sub' }).callerOf({ sub }).principal
        expect(named(a, x)).not.toBe(named(b, y))
        expect(named(a, b.startsWith(a) ? b.slice(a.length) + x : x)).not.toBe(named(b, y))
      }),
      { numRuns: 1_000, seed: 6 },
    )
  })
})

describe('a token of a Kubernetes service account', () => {
  const callerOf = (claims: object) => serviceAccounts(shop).callerOf({ ...ofCluster, ...claims })
  const of = (namespace: string, name: string): object => ({ sub: `system:serviceaccount:${namespace}:${name}`, 'kubernetes.io': { namespace, serviceaccount: { name } } })

  it('names its subject as the principal, and a service where the options say which', () => {
    expect(callerOf({})).toEqual({ service: 'orders', principal: 'system:serviceaccount:shop:orders' })
    const guest = 'system:serviceaccount:shop:guest.v2'
    expect(callerOf(of('shop', 'guest.v2'))).toEqual({ service: guest, principal: guest })
  })

  it.each<[string, object, string]>([
    ['of another namespace', of('billing', 'orders'), 'its namespace is not one'],
    ['of a user', { sub: 'system:admin' }, 'not a service account'],
    ['of a group', { sub: 'system:serviceaccounts:shop' }, 'not a service account'],
    ['with one part more', { sub: 'system:serviceaccount:shop:orders:x' }, 'not a service account'],
    ['without a name', { sub: 'system:serviceaccount:shop:' }, 'not a service account'],
    ['without a subject', { sub: undefined }, 'not a short string'],
    ['without the claim of Kubernetes', { 'kubernetes.io': undefined }, "'kubernetes.io' claim"],
    ['whose claim is of another account', { 'kubernetes.io': { ...bound, serviceaccount: { name: 'guest' } } }, "'kubernetes.io' claim"],
    ['whose claim is of another namespace', { 'kubernetes.io': { ...bound, namespace: 'billing' } }, "'kubernetes.io' claim"],
    ['whose claim is a text', { 'kubernetes.io': 'shop' }, "'kubernetes.io' claim"],
    ['whose claim is a list', { 'kubernetes.io': ['shop'] }, "'kubernetes.io' claim"],
  ])('is refused %s', (_, claims, reason) => {
    expect(() => callerOf(claims)).toThrow(reason)
  })

  it.each<[string, object, string]>([
    ['without an end, as those of old secrets are', { exp: undefined }, 'exp is not a time'],
    ['for the API server', { aud: [CLUSTER] }, 'another audience'],
    ['that lives more than a day', { exp: now + 86_401 }, 'lifetime'],
    ['that is not valid yet', { nbf: now + 31 }, 'not valid yet'],
  ])('is refused %s', async (_, claims, reason) => {
    await expect(verify(signers.cluster.token({ ...ofCluster, ...claims }, untyped))).rejects.toMatchObject(refused(reason))
  })
})
