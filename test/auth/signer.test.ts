import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createSigner } from '../support/new-signer.js'
import { FakeClock } from '../support/fake-clock.js'

describe('signer', () => {
  it("signs what anybody's verifier accepts", async () => {
    const clock = new FakeClock()
    const signer = await createSigner({ clock })
    const token = await signer.sign({ iss: 'https://issuer.test', sub: 'orders', aud: 'users', lifetimeMs: 300_000, zone: 'a' })

    const verified = await jwtVerify(token, createLocalJWKSet({ keys: [...signer.jwks.keys] }), {
      issuer: 'https://issuer.test',
      audience: 'users',
      typ: 'at+jwt',
      algorithms: ['ES256'],
      currentDate: new Date(clock.epochMs()),
    })
    expect(verified.payload).toMatchObject({ sub: 'orders', client_id: 'orders', zone: 'a' })
    expect(verified.payload.exp! - verified.payload.iat!).toBe(300)
    expect(verified.payload.iat).toBe(clock.epochMs() / 1000)
  })

  it('publishes no private member, and the thumbprint as kid', async () => {
    const { jwks } = await createSigner({ clock: new FakeClock() })
    expect(jwks.keys).toHaveLength(1)
    expect(Object.keys(jwks.keys[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
    expect(jwks.keys[0]!.kid).toBe(await calculateJwkThumbprint({ ...jwks.keys[0]! }))
  })

  it('never gives two tokens one jti, and lets no claim overrule its own', async () => {
    const clock = new FakeClock()
    const signer = await createSigner({ clock })
    const claims = { iss: 'https://issuer.test', sub: 'orders', aud: 'users', lifetimeMs: 300_000, exp: 9e9, iat: 1, jti: 'mine' }
    const decoded = await Promise.all([1, 2].map(async () => payloadOf(await signer.sign(claims))))
    expect(decoded[0]!['jti']).not.toBe(decoded[1]!['jti'])
    expect(decoded[0]).toMatchObject({ iat: clock.epochMs() / 1000, exp: clock.epochMs() / 1000 + 300 })
  })
})

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>
}
