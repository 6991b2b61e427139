import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Keys } from '../../src/auth/keys.js'
import { readKeySet, type KeySet } from '../../src/auth/key-set.js'
import { createVerifier, type Verifier } from '../../src/auth/verifier.js'
import { FakeClock } from '../support/fake-clock.js'
import { part, RawSigner } from '../support/raw-token.js'

const ISSUER = 'https://issuer.test'
const signer = new RawSigner()

let clock: FakeClock
let set: KeySet
let asked: string[]
let verifier: Verifier

beforeEach(async () => {
  clock = new FakeClock()
  set = await readKeySet(signer.jwks)
  asked = []
  const keys: Keys = { find: (kid) => (asked.push(kid), set.get(kid)) }
  verifier = createVerifier({ issuer: ISSUER, audience: 'users', keys, clock })
})

function claims(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const now = clock.epochMs() / 1000
  return { iss: ISSUER, sub: 'orders', aud: 'users', iat: now, exp: now + 300, jti: 'one', ...overrides }
}

const verify = async (token: string): Promise<unknown> => verifier.verify(token)
const refused = (reason: string): object => ({ message: expect.stringContaining(reason) as string })

describe('verifier', () => {
  it('says who a good token speaks for, and all that it says', async () => {
    const all = claims({ team: 'checkout' })
    expect(await verify(signer.token(all))).toEqual({ service: 'orders', principal: 'orders', issuer: ISSUER, claims: all })
  })

  it('takes the audience as a list too, and the type in its long form', async () => {
    await expect(verify(signer.token(claims({ aud: ['billing', 'users'] })))).resolves.toMatchObject({ service: 'orders' })
    await expect(verify(signer.token(claims(), { typ: 'application/AT+JWT' }))).resolves.toMatchObject({ service: 'orders' })
  })

  it.each(['iss', 'sub', 'aud', 'exp', 'iat'])('J08 refuses a token without %s', async (name) => {
    await expect(verify(signer.token(claims({ [name]: undefined })))).rejects.toMatchObject(refused('it'))
    expect(asked).toEqual(['raw-key'])
  })

  it.each<[string, unknown]>([
    ['iss', [ISSUER]],
    ['iss', `${ISSUER}/`],
    ['iss', 'https://other.test'],
    ['aud', {}],
    ['aud', 'Users'],
    ['aud', 'billing'],
    ['aud', []],
    ['aud', ['users', 7]],
    ['sub', ''],
    ['sub', ['orders']],
    ['sub', 's'.repeat(257)],
    ['exp', '1900000000'],
    ['exp', -1],
    ['exp', null],
    ['exp', true],
    ['iat', '1'],
    ['nbf', 'now'],
  ])('J09 refuses %s as %j', async (name, value) => {
    await expect(verify(signer.token(claims({ [name]: value })))).rejects.toMatchObject(refused('it'))
  })

  it('J09 refuses a time that is no number for JSON.parse', async () => {
    const text = JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e400')
    await expect(verify(signer.token(text))).rejects.toMatchObject(refused('exp is not a time'))
  })

  it.each<[string, string | Uint8Array]>([
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['nothing', ''],
    ['a member twice', '{"sub":"orders","sub":"admin"}'],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
    ['a byte order mark', '\ufeff{}'],
  ])('J09 refuses a payload that is %s', async (_, payload) => {
    await expect(verify(signer.token(payload))).rejects.toMatchObject(refused('payload'))
  })

  it.each<[string, Record<string, number>, string | undefined]>([
    ['ended within the leeway', { iat: -300, exp: -29 }, undefined],
    ['ended before the leeway', { iat: -300, exp: -31 }, 'expired'],
    ['begins within the leeway', { iat: 0, nbf: 30, exp: 300 }, undefined],
    ['begins after the leeway', { iat: 0, nbf: 31, exp: 300 }, 'not valid yet'],
    ['was issued a little in the future', { iat: 30, exp: 300 }, undefined],
    ['was issued in the future', { iat: 31, exp: 300 }, 'in the future'],
    ['lives an hour', { iat: 0, exp: 3600 }, undefined],
    ['lives longer', { iat: 0, exp: 3601 }, 'lifetime'],
    ['ends before it begins', { iat: 20, exp: 10 }, 'expires before it was issued'],
  ])('J10 a token that %s', async (_, offsets, reason) => {
    const now = clock.epochMs() / 1000
    const times = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]))
    const verdict = verify(signer.token(claims(times)))
    if (reason === undefined) await expect(verdict).resolves.toMatchObject({ service: 'orders' })
    else await expect(verdict).rejects.toMatchObject(refused(reason))
  })

  it.each([undefined, 'JWT', 'jwt', 'id+jwt', 'wit+jwt', 'dpop+jwt', 'application/application/at+jwt'])(
    'J11 refuses another kind of token of the same issuer: typ %j',
    async (typ) => {
      await expect(verify(signer.token(claims(), { typ }))).rejects.toMatchObject(refused('typ'))
    },
  )

  it('J05 refuses an HMAC over the public key, whatever its form', async () => {
    const forms = [
      signer.publicKey.export({ type: 'spki', format: 'pem' }),
      ` ${signer.publicKey.export({ type: 'spki', format: 'pem' })}`,
      signer.publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(signer.jwks.keys[0]),
    ]
    for (const form of forms) {
      const input = `${part({ alg: 'HS256', kid: signer.kid, typ: 'at+jwt' })}.${part(claims())}`
      const mac = createHmac('sha256', form).update(input).digest('base64url')
      await expect(verify(`${input}.${mac}`)).rejects.toMatchObject(refused('algorithm'))
    }
    expect(asked).toEqual([])
  })

  it('refuses a good signature under an algorithm that is not the one of its key', async () => {
    await expect(verify(signer.token(claims(), { alg: 'ES384' }))).rejects.toMatchObject(refused('not the one of its key'))
  })

  it('J07 looks up no key but by its name', async () => {
    for (const kid of ['__proto__', 'constructor', '../../etc/passwd', '|sleep 5']) {
      await expect(verify(signer.token(claims(), { kid }))).rejects.toMatchObject(refused('not one of the issuer'))
    }
  })

  it('refuses the signature of somebody else under a known kid', async () => {
    await expect(verify(new RawSigner(signer.kid).token(claims()))).rejects.toMatchObject(refused('signature'))
  })
})

describe('memory of the verifier', () => {
  it('knows a good token at once', async () => {
    const token = signer.token(claims())
    const peer = await verify(token)
    expect(verifier.verify(token)).toBe(peer)
  })

  it('J16 does not take a token for another that differs in one letter', async () => {
    const token = signer.token(claims())
    await verify(token)
    const other = token.slice(0, -4) + (token.endsWith('AAAA') ? 'BBBB' : 'AAAA')
    await expect(verify(other)).rejects.toMatchObject(refused('signature'))
  })

  it('J15 forgets a token when it expires', async () => {
    const token = signer.token(claims())
    await verify(token)
    await clock.advance(299_999)
    expect(verifier.verify(token)).not.toBeInstanceOf(Promise)
    await clock.advance(1)
    const anew = verifier.verify(token)
    expect(anew).toBeInstanceOf(Promise)
    await anew
    await clock.advance(30_000)
    await expect(verify(token)).rejects.toMatchObject(refused('expired'))
  })

  it('J15 forgets a token when its key is withdrawn, or replaced under its name', async () => {
    const token = signer.token(claims())
    await verify(token)
    set = await readKeySet(new RawSigner(signer.kid).jwks)
    await expect(verify(token)).rejects.toMatchObject(refused('signature'))
    set = new Map()
    await expect(verify(token)).rejects.toMatchObject(refused('not one of the issuer'))
  })

  it('does not keep what was refused', async () => {
    const token = signer.token(claims({ aud: 'billing' }))
    await expect(verify(token)).rejects.toThrow()
    await expect(verify(token)).rejects.toThrow()
    expect(asked).toHaveLength(2)
  })
})
