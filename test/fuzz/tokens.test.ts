import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { authenticate } from '../../src/auth/authenticate.js'
import { createProofCheck } from '../../src/auth/proof-check.js'
import { readHeldJwt } from '../../src/auth/held-jwt.js'
import { readKeySet, type KeySet } from '../../src/auth/key-set.js'
import { readTokenHeader, TokenError } from '../../src/auth/token-gate.js'
import { createVerifier, type Verifier } from '../../src/auth/verifier.js'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { Refusal } from '../../src/call/refusal.js'
import { FakeClock } from '../support/fake-clock.js'
import { fuzzRuns, Stopwatch } from '../support/fuzz.js'
import { part, RawSigner } from '../support/raw-token.js'

const ISSUER = 'https://issuer.test'
const IN_SUITE = 300
const signer = new RawSigner()
const clock = new FakeClock()
const now = Math.floor(clock.epochMs() / 1000)
const good = { iss: ISSUER, sub: 'orders', aud: 'users', iat: now, exp: now + 300, jti: 'one' }

let set: KeySet
let verifier: Verifier

beforeAll(async () => {
  set = await readKeySet(signer.jwks)
  verifier = createVerifier({ issuer: ISSUER, audience: 'users', keys: { find: (kid) => set.get(kid) }, clock })
})

/** Whether the token is taken; anything thrown but a TokenError is a crash. */
async function isTaken(token: string): Promise<boolean> {
  try {
    await verifier.verify(token)
    return true
  } catch (error) {
    if (error instanceof TokenError) return false
    throw error
  }
}

/** Mostly the honest value, sometimes another one that comes near it, sometimes anything. */
const near = (honest: unknown, ...others: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(honest) }, { weight: 2, arbitrary: fc.constantFrom(undefined, null, '', [], {}, ...others) }, { weight: 1, arbitrary: fc.anything() })
const time = (at: number): fc.Arbitrary<unknown> => near(at, `${at}`, [at], -1, 0, 1e18, NaN, now - 31, now - 29, now + 29, now + 31, now + 3_600, now + 3_601, now + 0.5)

const claimSets = fc.record({
  iss: near(ISSUER, [ISSUER], `${ISSUER}/`, ISSUER.toUpperCase(), { ISSUER }),
  sub: near('orders', 's'.repeat(256), 's'.repeat(257), ['orders']),
  aud: near('users', ['users'], ['billing', 'users'], ['users', 1], 'USERS', 'billing', 'users ', { users: 1 }),
  iat: time(now),
  exp: time(now + 300),
  nbf: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, time(now)),
})
const headerSets = fc.record({
  alg: near('ES256', 'none', 'None', 'HS256', 'ES384', 'RS256', 'es256', ['ES256']),
  kid: near('raw-key', 'other', '../../dev/null', "' OR 1=1", '__proto__', 'constructor', 'k'.repeat(300)),
  typ: near('at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', 'dpop+jwt', 'wpt+jwt', 'application/application/at+jwt'),
  extra: fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, fc.constantFrom<object>({ crit: [] }, { crit: ['exp'] }, { b64: false }, { jwk: signer.jwks.keys[0] }, { jku: 'https://x' }, { x5c: [] }, { zip: 'DEF' }, { x: 1 })),
})

/** What RFC 8725 and this package's promise leave of a well-signed token; written a second time, from the documents. */
function mayBeTaken(written: Record<string, unknown>, header: Record<string, unknown>): boolean {
  const { iss, sub, aud, iat, exp, nbf } = written
  const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  return (
    header['alg'] === 'ES256' && header['kid'] === 'raw-key' && typeof header['typ'] === 'string' && /^(application\/)?at\+jwt$/i.test(header['typ']) &&
    !['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'enc', 'zip'].some((name) => name in header) &&
    iss === ISSUER && typeof sub === 'string' && sub.length > 0 && sub.length <= 256 &&
    audiences.every((one) => typeof one === 'string') && audiences.includes('users') &&
    isTime(iat) && isTime(exp) && (nbf === undefined || (isTime(nbf) && nbf <= now + 30)) &&
    exp > now - 30 && iat <= now + 30 && exp > iat && exp - iat <= 3_600
  )
}

/** As a reader of JSON sees it: undefined members are not there, NaN is null. */
function asWritten(value: object): Record<string, unknown> | undefined {
  try {
    return JSON.parse(JSON.stringify(value)) as Record<string, unknown>
  } catch {
    // A bigint or a circle cannot be written.
    return undefined
  }
}

const noise = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'ABCabc019-_=.+/ ,') }), fc.json().map((text) => part(text)))
const garbage = fc.oneof(
  noise,
  fc.tuple(noise, noise, noise).map((parts) => parts.join('.')),
  fc.tuple(fc.json(), fc.json(), fc.base64String()).map(([header, payload, signature]) => `${part(header)}.${part(payload)}.${signature}`),
  // Long ones, up to twice of what is looked at.
  fc.tuple(fc.nat(16_384), fc.constantFrom('A', '.', '[', '{"a":', '%', 'eyJ', '\u0000')).map(([length, unit]) => unit.repeat(Math.ceil(length / unit.length))),
  fc.tuple(fc.nat(4_000), fc.constantFrom('[', '{"a":', '"', '{"a":1,', '\\u0061')).map(([count, unit]) => `${part(unit.repeat(count))}.${part('{}')}.${part('x')}`),
)

/** One change to a good token: a letter, a cut, an insertion, a swap, another part. */
const honest = signer.token(good)
const damaged = fc
  .record({ at: fc.nat(honest.length - 1), by: fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), letter: fc.constantFrom(...'ABCDefgh0189-_=.'), how: fc.nat(6), other: noise })
  .map(({ at, by, letter, how, other }) => {
    const [head, body, signature] = honest.split('.') as [string, string, string]
    const changes = [
      honest.slice(0, at) + letter + honest.slice(at + 1),
      honest.slice(0, at),
      honest.slice(0, at) + by + honest.slice(at),
      `${body}.${head}.${signature}`,
      `${head}.${other}.${signature}`,
      `${head}.${body}.${other}`,
      honest.slice(0, -1) + letter,
    ]
    return changes[how]!
  })

describe('tokens, whatever they are', () => {
  it('J01 J09 J16 nothing is taken that nobody has signed, nothing crashes, and nothing takes long', async () => {
    const watch = new Stopwatch()
    let close = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(garbage, damaged), async (token) => {
        if (token.length === honest.length && token !== honest) close++
        expect(await watch.timeAsync(token, token.length, () => isTaken(token))).toBe(token === honest)
        for (const read of [readTokenHeader, readHeldJwt]) {
          try {
            read(token)
          } catch (error) {
            expect(error).toBeInstanceOf(TokenError)
          }
        }
      }),
      fuzzRuns(IN_SUITE),
    )
    expect(close).toBeGreaterThan(10)
    expect(await watch.tooSlow()).toBeUndefined()
  })

  it('J04 J08 J10 J11 J12 of what the issuer itself has signed only that is taken which says everything as it must', async () => {
    const watch = new Stopwatch()
    let taken = 0
    await fc.assert(
      fc.asyncProperty(claimSets, headerSets, async (claims, { extra, ...members }) => {
        const header = asWritten({ ...members, ...extra })
        const written = asWritten(claims)
        if (header === undefined || written === undefined) return
        const token = signer.token(written, JSON.stringify(header))
        const isGood = await watch.timeAsync(token, token.length, () => isTaken(token))
        if (isGood) taken++
        expect(isGood && !mayBeTaken(written, header)).toBe(false)
      }),
      fuzzRuns(IN_SUITE, 0.25),
    )
    expect(taken).toBeGreaterThan(5)
    expect(await watch.tooSlow()).toBeUndefined()
  })

  it('J13 of all that an authorization field can hold, only one good bearer token lets anybody in', async () => {
    const field = fc.oneof(
      fc.tuple(fc.constantFrom('Bearer', 'bearer', 'BEARER', 'Basic', 'DPoP', 'Token', ''), fc.constantFrom(' ', '  ', '\t', '', ', '), fc.oneof(fc.constant(honest), damaged, noise), fc.constantFrom('', '', ' ', ', Bearer x', `, ${honest}`, '\n', ',')).map((pieces) => pieces.join('')),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(undefined, '', honest),
    )
    let admitted = 0
    const watch = new Stopwatch()
    const checkProof = createProofCheck({ demand: 'optional', service: 'users', clock, leewayMs: 30_000 })
    const handle = authenticate({ verifier, checkProof })(async () => (admitted++, {} as InboundReply))
    await fc.assert(
      fc.asyncProperty(field, async (authorization) => {
        const before = admitted
        const inbound = { header: (name: string) => (name === 'authorization' ? authorization : undefined) } as Inbound
        try {
          await watch.timeAsync(authorization, authorization?.length ?? 0, async () => handle(inbound).catch((error: unknown) => expect(error).toBeInstanceOf(Refusal)))
        } finally {
          const isGood = authorization !== undefined && authorization.toLowerCase().startsWith('bearer ') && authorization.slice(7) === honest
          expect(admitted > before).toBe(isGood)
        }
      }),
      fuzzRuns(IN_SUITE, 0.5),
    )
    expect(admitted).toBeGreaterThan(0)
    expect(await watch.tooSlow()).toBeUndefined()
  })
})
