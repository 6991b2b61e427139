import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createProver, tokenHash, type Prover } from '../../src/auth/prover.js'
import { Proofs } from '../../src/auth/proofs.js'
import { TokenError } from '../../src/auth/token-gate.js'
import { UsedProofs } from '../../src/auth/used-proofs.js'
import { FakeClock } from '../support/fake-clock.js'
import { fuzzRuns, Stopwatch } from '../support/fuzz.js'
import { part } from '../support/raw-token.js'

const URL_OF_IT = 'http://users/users/42'
const TOKEN = 'the.token.itself'
const LEEWAY_MS = 30_000

let clock: FakeClock
let prover: Prover
let proofs: Proofs

beforeEach(() => {
  clock = new FakeClock()
  prover = createProver(clock)
  proofs = new Proofs(clock, LEEWAY_MS)
})

const rules = (thumbprint = prover.thumbprint) => ({ method: 'GET', isTarget: (htu: string) => htu === URL_OF_IT, token: TOKEN, thumbprint })
const proof = (overrides: object = {}): string => prover.prove({ method: 'GET', url: URL_OF_IT, token: TOKEN, ...overrides })

/** A prover of whatever it is given, well-formed or not. */
class RawProver {
  readonly #privateKey: KeyObject
  readonly jwk: Record<string, unknown>

  constructor(namedCurve = 'P-256') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve })
    this.#privateKey = privateKey
    this.jwk = publicKey.export({ format: 'jwk' })
  }

  proof(claims: object | string = {}, header: object | string = {}): string {
    const honest = { jti: Math.random().toString(36), htm: 'GET', htu: URL_OF_IT, iat: Math.floor(clock.epochMs() / 1000), ath: tokenHash(TOKEN) }
    const head = typeof header === 'string' ? header : { typ: 'dpop+jwt', alg: 'ES256', jwk: this.jwk, ...header }
    const input = `${part(head)}.${part(typeof claims === 'string' ? claims : { ...honest, ...claims })}`
    return `${input}.${sign('sha256', Buffer.from(input), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }

  get pem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  }
}

const unbound = () => ({ ...rules(), thumbprint: undefined })

describe('proofs of possession', () => {
  it('takes a good one, and tells whose it is', () => {
    expect(proofs.check(proof(), rules())).toBe(prover.thumbprint)
    expect(proofs.check(new RawProver().proof(), unbound())).toMatch(/^[\w-]{43}$/)
  })

  it('J17 takes each one once, for as long as it would be good, and forgets it then', async () => {
    const shown = proof()
    proofs.check(shown, rules())
    for (let second = 0; second < 60; second += 5) {
      expect(() => proofs.check(shown, rules())).toThrow(second < 41 ? 'used before' : 'too old')
      await clock.advance(5_000)
    }
    proofs.check(proof(), rules())
    expect(proofs.remembered).toBe(1)
  })

  it('J17 J16 another form of the signature makes no other proof of it', () => {
    const shown = proof()
    proofs.check(shown, rules())
    const [header, payload, signature] = shown.split('.') as [string, string, string]
    const bytes = Buffer.from(signature, 'base64url')
    const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')
    const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    const mirrored = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]).toString('base64url')
    expect(() => proofs.check(`${header}.${payload}.${mirrored}`, rules())).toThrow('used before')
  })

  it('J17 what is remembered is bounded by rate and window, however long it goes on', () => {
    const used = new UsedProofs(41_000)
    const [perSecond, start] = [200, 1_800_000_000]
    let most = 0
    let refused = 0
    for (let second = 0; second < 200; second++) {
      for (let i = 0; i < perSecond; i++) {
        // Clocks differ: some are ahead by half a minute.
        const issuedAt = (start + second + (i % 2) * 30) * 1000
        if (used.use({ thumbprint: 'key', jti: `${second}-${i}`, issuedAt }, (start + second) * 1000) !== 'first') refused++
      }
      most = Math.max(most, used.size)
    }
    expect(refused).toBe(0)
    expect(most).toBeGreaterThan(perSecond * 41)
    expect(most).toBeLessThanOrEqual(perSecond * 73)
    expect(used.use({ thumbprint: 'key', jti: '199-0', issuedAt: (start + 199) * 1000 }, (start + 199) * 1000)).toBe('again')
    expect(used.use({ thumbprint: 'other', jti: '199-0', issuedAt: (start + 199) * 1000 }, (start + 199) * 1000)).toBe('first')
    used.use({ thumbprint: 'key', jti: 'last', issuedAt: (start + 400) * 1000 }, (start + 400) * 1000)
    expect(used.size).toBe(1)
  })

  it('J17 when it is full nothing is new, so that no flood makes room for a replay', () => {
    const used = new UsedProofs(41_000, 1_000)
    const at = 1_800_000_000_000
    const use = (i: number) => used.use({ thumbprint: 'key', jti: String(i), issuedAt: at }, at)
    let i = 0
    while (use(i) === 'first') i++
    expect(i).toBe(1_000)
    expect([use(0), use(i), use(i + 1)]).toEqual(['again', 'full', 'full'])
    expect(used.use({ thumbprint: 'key', jti: 'x', issuedAt: at + 60_000 }, at + 60_000)).toBe('first')
  })

  it.each<[string, object]>([
    ['another method', { method: 'POST' }],
    ['another path', { url: 'http://users/users/43' }],
    ['another service', { url: 'http://billing/users/42' }],
    ['another token', { token: 'another.token.itself' }],
    ['no token', { token: undefined }],
  ])('refuses one for %s', (_, overrides) => {
    expect(() => proofs.check(proof(overrides), rules())).toThrow(TokenError)
  })

  it('refuses one of another key, however good, before it looks at the signature', () => {
    expect(() => proofs.check(createProver(clock).prove({ method: 'GET', url: URL_OF_IT, token: TOKEN }), rules())).toThrow('of another key')
  })

  it.each([
    [-29, true],
    [29, true],
    [31, false],
    [-40, true],
    [-42, false],
    [-3_600, false],
  ])('J10 one made %i s from now is good: %s', (seconds, isGood) => {
    const raw = new RawProver()
    const check = (): string => proofs.check(raw.proof({ iat: Math.floor(clock.epochMs() / 1000) + seconds }), unbound())
    if (isGood) expect(check()).toMatch(/./)
    else expect(check).toThrow(TokenError)
  })

  it.each<[string, object | string, object | string]>([
    ['without jti', { jti: undefined }, {}],
    ['with an empty jti', { jti: '' }, {}],
    ['with a long jti', { jti: 'x'.repeat(129) }, {}],
    ['with a jti that is none', { jti: ['x'] }, {}],
    ['without iat', { iat: undefined }, {}],
    ['with iat as text', { iat: '1800000000' }, {}],
    ['without htm', { htm: undefined }, {}],
    ['with htm in another case', { htm: 'get' }, {}],
    ['without htu', { htu: undefined }, {}],
    ['with htu that is no URL', { htu: '/users/42' }, {}],
    ['with ath as a list', { ath: [tokenHash(TOKEN)] }, {}],
    ['whose claims stand twice', '{"jti":"a","jti":"b","htm":"GET","htu":"http://users/users/42","iat":1800000000}', {}],
    ['of another type', {}, { typ: 'at+jwt' }],
    ['of the type of a workload proof', {}, { typ: 'wpt+jwt' }],
    ['without a type', {}, { typ: undefined }],
    ['of another algorithm', {}, { alg: 'ES384' }],
    ['of none', {}, { alg: 'none' }],
    ['with a key that is symmetric', {}, { alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }],
    ['with no key', {}, { jwk: undefined }],
    ['with a key that is text', {}, { jwk: 'key' }],
    ['with extensions', {}, { crit: ['exp'] }],
    ['with a kid beside the key', {}, { kid: 'x' }],
    ['with a URL of a key', {}, { jku: 'https://attacker.test' }],
    ['whose header is a list', {}, '[]'],
  ])('refuses one %s', (_, claims, header) => {
    const raw = new RawProver()
    expect(() => proofs.check(raw.proof(claims, header), unbound())).toThrow(TokenError)
    expect(proofs.remembered).toBe(0)
  })

  it('refuses keys that are private, of another curve, off their curve or more than a key', () => {
    const raw = new RawProver()
    const other = new RawProver('P-384')
    const keys = [{ ...raw.jwk, d: raw.jwk['x'] }, { ...raw.jwk, crv: 'P-384' }, { ...raw.jwk, x: raw.jwk['y'] }, { ...raw.jwk, kid: 'x' }, { ...raw.jwk, alg: 'ES256' }, { ...raw.jwk, x: `${String(raw.jwk['x'])}A` }, other.jwk]
    for (const jwk of keys) expect(() => proofs.check(raw.proof({}, { jwk }), unbound()), JSON.stringify(jwk)).toThrow(TokenError)
    expect(() => proofs.check(other.proof(), unbound())).toThrow(TokenError)
  })

  it('refuses two, one cut short, and one over its size', () => {
    for (const text of [`${proof()}, ${proof()}`, proof().slice(0, -2), '', '..', 'x'.repeat(8_193), proof({ url: `http://users/${'a'.repeat(8_000)}` })]) {
      expect(() => proofs.check(text, rules())).toThrow(TokenError)
    }
  })

  it('J17 whatever is changed of it or put in its place, it is refused; nothing crashes or takes long', async () => {
    const watch = new Stopwatch()
    const honest = proof()
    const noise = fc.oneof(fc.string({ unit: 'binary' }), fc.json().map((text) => part(text)), fc.nat(16_384).map((length) => 'A'.repeat(length)))
    const texts = fc.oneof(
      noise,
      fc.tuple(noise, noise, noise).map((parts) => parts.join('.')),
      fc.tuple(fc.nat(honest.length - 1), fc.constantFrom(...'ABCdef0189-_=.,')).map(([at, letter]) => honest.slice(0, at) + letter + honest.slice(at + 1)).filter((text) => text !== honest),
      fc.tuple(fc.anything(), fc.anything()).map(([claims, jwk]) => `${part(written({ typ: 'dpop+jwt', alg: 'ES256', jwk }))}.${part(written({ jti: claims }))}.${part('x'.repeat(64))}`),
    )
    fc.assert(
      fc.property(texts, (text) => {
        expect(watch.time(text, text.length, () => attempt(text))).toBe(false)
      }),
      fuzzRuns(300, 0.5),
    )
    expect(await watch.tooSlow()).toBeUndefined()
    expect(attempt(honest)).toBe(true)
  })

  /** Whether it is taken; anything thrown but a TokenError is a crash. */
  function attempt(text: string): boolean {
    try {
      return proofs.check(text, rules()) !== ''
    } catch (error) {
      if (error instanceof TokenError) return false
      throw error
    }
  }

  const written = (value: unknown): string => JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? 0 : inner)) ?? 'null'
})
