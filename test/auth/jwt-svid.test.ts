import { describe, expect, it } from 'vitest'
import { readKeySet } from '../../src/auth/key-set.js'
import { createVerifier } from '../../src/auth/verifier.js'
import { FakeClock } from '../support/fake-clock.js'
import { RawSigner } from '../support/raw-token.js'

const ISSUER = 'https://oidc.example.org'
const ORDERS = 'spiffe://example.org/ns/shop/sa/orders'
const signer = new RawSigner()
const clock = new FakeClock()
const now = clock.epochMs() / 1000
const set = await readKeySet(signer.jwks)
const verifier = createVerifier({ issuer: ISSUER, audience: 'users', trustDomain: 'example.org', keys: { find: (kid) => set.get(kid) }, clock })
const verify = async (claims: object, header: object = { typ: 'JWT' }): Promise<unknown> =>
  verifier.verify(signer.token({ sub: ORDERS, aud: ['users'], exp: now + 300, iat: now, ...claims }, header))

describe('a JWT-SVID', () => {
  it.each<[string, object, object]>([
    ['with all that SPIRE writes', { iss: ISSUER }, { typ: 'JWT' }],
    ['with nothing but what is required', { iat: undefined }, { typ: undefined }],
    ['of the type JOSE', {}, { typ: 'JOSE' }],
  ])('is taken %s; its caller is the SPIFFE ID', async (_, claims, header) => {
    expect(await verify(claims, header)).toMatchObject({ service: ORDERS, principal: ORDERS, issuer: ISSUER })
  })

  it.each<[string, object, string]>([
    ['that names a workload of another domain', { sub: 'spiffe://example.com/ns/shop/sa/orders' }, 'another trust domain'],
    ['that names a workload of a domain below it', { sub: 'spiffe://a.example.org/orders' }, 'another trust domain'],
    ['that names the domain itself', { sub: 'spiffe://example.org' }, 'not the SPIFFE ID of a workload'],
    ['that names the name of a service', { sub: 'orders' }, 'not the SPIFFE ID of a workload'],
    ['that spells its subject otherwise', { sub: 'SPIFFE://example.org/ns/shop/sa/orders' }, 'not the SPIFFE ID of a workload'],
    ['with a dot segment', { sub: 'spiffe://example.org/ns/../orders' }, 'not the SPIFFE ID of a workload'],
  ])('J19 is refused %s, however good its signature', async (_, claims, reason) => {
    await expect(verify(claims)).rejects.toMatchObject({ message: expect.stringContaining(reason) })
  })

  it.each<[string, object, object, string]>([
    ['of another issuer', { iss: 'https://other.test' }, {}, 'another issuer'],
    ['without an audience', { aud: undefined }, {}, 'another audience'],
    ['without an end', { exp: undefined }, {}, 'exp is not a time'],
    ['that has ended', { exp: now - 31, iat: undefined }, {}, 'expired'],
    ['that lives too long, without saying since when', { exp: now + 3_700, iat: undefined }, {}, 'longer than allowed'],
    ['that is another kind of token', {}, { typ: 'at+jwt' }, 'typ'],
    ['with an algorithm that SPIFFE leaves out', {}, { alg: 'EdDSA' }, 'not one of its kind'],
    ['without a kid', {}, { kid: undefined }, 'kid'],
  ])('is refused %s', async (_, claims, header, reason) => {
    await expect(verify(claims, { typ: 'JWT', ...header })).rejects.toMatchObject({ message: expect.stringContaining(reason) })
  })
})
