import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { calculateJwkThumbprint, createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createFixedKeys } from '../../src/auth/keys.js'
import { selfSigned } from '../../src/auth/self-signed.js'
import { createVerifier } from '../../src/auth/verifier.js'
import { memory } from '../../src/discovery/memory.js'
import { createMesh } from '../../src/mesh.js'
import { eventually } from '../support/eventually.js'
import { FakeClock } from '../support/fake-clock.js'

const ISSUER = 'https://orders.test'
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string
const key = pem(privateKey)

function opened(clock: FakeClock) {
  return selfSigned({ key, issuer: ISSUER }).open({ service: 'orders', clock, random: () => 1, tell: () => {} })
}

describe('selfSigned', () => {
  it("signs for one called service each, what this mesh's verifier and anybody's accept", async () => {
    const clock = new FakeClock()
    const source = opened(clock)
    const token = await source.token('users')
    const keys = createFixedKeys(source.jwks!, { clock, random: () => 1 })
    const verifier = createVerifier({ issuer: ISSUER, audience: 'users', keys, clock })
    expect(await verifier.verify(token)).toMatchObject({ service: 'orders', issuer: ISSUER })
    await jwtVerify(token, createLocalJWKSet({ keys: [...source.jwks!.keys] }), {
      issuer: ISSUER,
      audience: 'users',
      typ: 'at+jwt',
      currentDate: new Date(clock.epochMs()),
    })
    expect(decodeJwt(await source.token('billing')).aud).toBe('billing')
  })

  it('signs once for many calls, ahead of the end, and not while idle', async () => {
    const clock = new FakeClock()
    const source = opened(clock)
    const first = await source.token('users')
    await clock.advance(209_000)
    expect(source.token('users')).toBe(first)
    await clock.advance(2_000)
    expect(source.token('users')).toBe(first)
    await eventually(() => expect(source.token('users')).not.toBe(first))
    expect(clock.pending).toBe(0)
  })

  it('is published by mesh.jwks(): the public half alone, its thumbprint as kid', async () => {
    await using mesh = createMesh({ service: 'orders', registry: memory(), identity: { token: selfSigned({ key, issuer: ISSUER }) } })
    const [jwk, ...others] = mesh.jwks().keys
    expect(others).toEqual([])
    expect(Object.keys(jwk!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(jwk!.kid).toBe(await calculateJwkThumbprint({ ...jwk! }))
    await using other = createMesh({ service: 'users', registry: memory() })
    expect(other.jwks()).toEqual({ keys: [] })
  })

  it.each<[string, unknown, string]>([
    ['no key', { issuer: ISSUER }, 'selfSigned.key: expected a P-256 private key'],
    ['no issuer', { key }, 'selfSigned.issuer: expected the URL'],
    ['no PEM', { key: 'hush', issuer: ISSUER }, 'selfSigned.key: expected a P-256 private key as PEM text, got something else'],
    ['another curve', { key: pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), issuer: ISSUER }, 'got another kind of key'],
    ['RSA', { key: pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey), issuer: ISSUER }, 'got another kind of key'],
    ['a day', { key, issuer: ISSUER, lifetimeMs: 86_400_000 }, 'selfSigned.lifetimeMs: expected a whole number'],
    ['an unknown option', { key, issuer: ISSUER, audience: 'users' }, 'selfSigned.audience: unknown option'],
  ])('refuses %s with the path, and repeats no key', (_, options, message) => {
    expect(() => selfSigned(options as never)).toThrow(message)
    expect(() => selfSigned(options as never)).not.toThrow(/hush|BEGIN/)
  })
})
