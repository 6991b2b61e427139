import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTokenHeader, TokenError } from '../../src/auth/token-gate.js'
import { part } from '../support/raw-token.js'
import { describeVectors, readVectors } from '../support/vectors.js'

const HEADER = { alg: 'ES256', kid: 'key', typ: 'at+jwt' }

function token(header: object | string, payload = part('{}'), signature = part('signature')): string {
  return `${part(header)}.${payload}.${signature}`
}

describe('token gate', () => {
  it('lets a plain signed token pass, and tells its header', () => {
    expect(readTokenHeader(token(HEADER))).toEqual(HEADER)
    expect(readTokenHeader(token({ alg: 'EdDSA', kid: 'key', x5t: 'thumb' }))).toEqual({ alg: 'EdDSA', kid: 'key', typ: undefined })
  })

  it.each(['none', 'None', 'NONE', 'nOnE', null, '', 'HS256', 'HS512', 'es256', 'RS1', 'ES256K', 'dir', ['ES256'], { alg: 'ES256' }])(
    'J04 refuses the algorithm %j',
    (alg) => {
      expect(() => readTokenHeader(token({ ...HEADER, alg }))).toThrow('algorithm is not allowed')
    },
  )

  it('J04 refuses a token without a signature, cut or blank', () => {
    expect(() => readTokenHeader(`${part(HEADER)}.${part('{}')}.`)).toThrow(TokenError)
    expect(() => readTokenHeader(`${part(HEADER)}.${part('{}')}`)).toThrow(TokenError)
    expect(() => readTokenHeader('')).toThrow(TokenError)
    expect(() => readTokenHeader('..')).toThrow(TokenError)
  })

  it.each([
    { jwk: { kty: 'EC' } },
    { jku: 'https://attacker.test/keys' },
    { x5u: 'https://attacker.test/chain' },
    { x5c: ['MIIB'] },
  ])('J06 refuses a token that brings its own key: %j', (member) => {
    expect(() => readTokenHeader(token({ ...HEADER, ...member }))).toThrow(`holds '${Object.keys(member)[0]}'`)
  })

  it.each([undefined, null, '', 7, ['key'], { toString: 'key' }, 'k'.repeat(257)])('J07 refuses the kid %j', (kid) => {
    expect(() => readTokenHeader(token({ ...HEADER, kid }))).toThrow('kid is not a short string')
  })

  it.each(['payload: array', '[]', 'null', '7', '"text"'])('J09 refuses the header %s', (header) => {
    expect(() => readTokenHeader(token(header))).toThrow(TokenError)
  })

  it('J09 refuses a header in which a member stands twice', () => {
    expect(() => readTokenHeader(token('{"alg":"none","alg":"ES256","kid":"key"}'))).toThrow('not strict JSON')
    expect(() => readTokenHeader(token('{"alg":"ES256","kid":"a","k\\u0069d":"b"}'))).toThrow('not strict JSON')
  })

  it.each([{ crit: ['exp'] }, { crit: ['b64'], b64: false }, { b64: false }, { b64: true }, { crit: [] }, { zip: 'DEF' }])(
    'J12 refuses extensions: %j',
    (member) => {
      expect(() => readTokenHeader(token({ ...HEADER, ...member }))).toThrow(TokenError)
    },
  )

  it.each([8, 64, 1024])('J14 refuses %i KiB before it is decoded', (kib) => {
    expect(() => readTokenHeader(token(HEADER, 'A'.repeat(kib * 1024)))).toThrow('over 8192 characters')
  })

  it('J16 refuses every other spelling of the same bytes', () => {
    const good = token(HEADER, part('a'), part('b'))
    expect(readTokenHeader(good)).toEqual(HEADER)
    // The last letter of 'Yg' has four bits that no byte needs.
    const others = [good.replace(/Yg$/, 'Yh'), `${good}=`, `${good}\n`, ` ${good}`, good.replace('.', '=.'), good.replace('.', '. ')]
    for (const other of others) expect(() => readTokenHeader(other), other).toThrow(TokenError)
  })

  it('throws nothing but TokenError, and never quotes its input', () => {
    const parts = fc.array(fc.string(), { maxLength: 6 }).map((texts) => texts.map(part).join('.'))
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), parts), (input) => {
        try {
          readTokenHeader(input)
        } catch (error) {
          expect(error).toBeInstanceOf(TokenError)
          if (input.length > 12) expect((error as Error).message).not.toContain(input)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describeVectors('third-party tokens that are no compact JWS', () => {
  it('J03 refuses every encrypted token of Wycheproof', () => {
    const { testGroups } = JSON.parse(readVectors('wycheproof/json_web_encryption_test.json')) as {
      testGroups: { tests: { tcId: number; jwe: unknown }[] }[]
    }
    const tests = testGroups.flatMap((group) => group.tests)
    expect(tests).toHaveLength(139)
    for (const { tcId, jwe } of tests) {
      const text = typeof jwe === 'string' ? jwe : JSON.stringify(jwe)
      expect(() => readTokenHeader(text), `tcId ${tcId}`).toThrow(TokenError)
    }
  })

  it('J12 refuses every token of the RFC 7797 vectors', () => {
    for (const file of ['4.2.hmac-sha2_b64_false.json', 'hmac-sha2_b64_false.json']) {
      const { output } = JSON.parse(readVectors(`rfc7520-cookbook/rfc7797/${file}`)) as { output: Record<string, unknown> }
      for (const form of Object.values(output)) {
        expect(() => readTokenHeader(typeof form === 'string' ? form : JSON.stringify(form))).toThrow(TokenError)
      }
    }
  })
})
