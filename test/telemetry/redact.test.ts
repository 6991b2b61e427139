import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactQuery, redactUrl } from '../../src/telemetry/redact.js'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJvcmRlcnMifQ.c2lnbmF0dXJl'

describe('redactUrl', () => {
  it('leaves an ordinary URL as it is', () => {
    for (const url of ['http://users/', 'http://users/a;b=1/c?page=2&sort=name', 'http://users/x?', '/a?b', 'http://users/a@b']) {
      expect(redactUrl(url)).toBe(url)
    }
  })

  it('hides user and password', () => {
    expect(redactUrl('http://ann:p@ss@users/x')).toBe('http://REDACTED:REDACTED@users/x')
    expect(redactUrl('http://users/?at=a@b')).toBe('http://users/?at=a@b')
  })

  it.each(['AWSAccessKeyId', 'Signature', 'sig', 'X-Goog-Signature'])('hides %s, as the conventions ask', (name) => {
    const url = 'https://www.example.com/path?color=blue'
    expect(redactUrl(`${url}&${name}=abc%2F=`)).toBe(`${url}&${name}=REDACTED`)
  })

  it.each([
    'access_token', 'refresh-token', 'id_token', 'token', 'code', 'password', 'api_key', 'apiKey', 'api-key', 'client_secret',
    'X-Amz-Security-Token', 'X-Amz-Credential', 'jwt', 'SAMLResponse', 'user[password]', 'ACCESS_TOKEN', 'acc%65ss_token',
  ])('hides the value of %s', (name) => {
    expect(redactQuery(`${name}=s3cret&page=2`)).toBe(`${name}=REDACTED&page=2`)
  })

  it.each(['zipcode', 'country_code', 'keyboard', 'monkey', 'tokens', 'design', 'page'])('leaves the value of %s', (name) => {
    expect(redactQuery(`${name}=7`)).toBe(`${name}=7`)
  })

  it('takes a semicolon for a separator, and hides all of a value that holds one', () => {
    expect(redactQuery('a=1;sig=s3cret&b=2')).toBe('a=1;sig=REDACTED&b=2')
    expect(redactQuery('sig=s3;cret&b=2')).toBe('sig=REDACTED&b=2')
  })

  it('hides a JSON Web Token wherever it stands', () => {
    expect(redactUrl(`http://users/reset/${JWT}?next=${JWT}#${JWT}`)).toBe('http://users/reset/REDACTED?next=REDACTED#REDACTED')
    expect(redactUrl(`/a.b.reset-${JWT}.html,${JWT}/eyJ.png`)).toBe('/a.b.reset-REDACTED,REDACTED/eyJ.png')
  })

  it('never lets the value of a sensitive parameter through', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'z', '=', '&', ';', '%', '?', '/', '.') })
    fc.assert(
      fc.property(text, fc.constantFrom('sig', 'password', 'access_token'), text, (before, name, after) => {
        expect(redactUrl(`/p?${before}&${name}=S3CRET&${after}`)).not.toContain('S3CRET')
        expect(redactUrl(`/p?${before};${name}=S3CRET;${after}`)).not.toContain('S3CRET')
      }),
    )
  })

  it('changes nothing a second time', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'sig', 'eyJ', '=', '&', ';', '%', '?', '/', '.', '@', '://') })
    fc.assert(
      fc.property(text, (url) => {
        expect(redactUrl(redactUrl(url))).toBe(redactUrl(url))
      }),
    )
  })

  it.each([
    ['token beginnings', (n: number) => 'eyJ'.repeat(n)],
    ['half tokens', (n: number) => 'eyJa.b-'.repeat(n)],
    ['names without values', (n: number) => `?${'a'.repeat(3 * n)}`],
    ['separators', (n: number) => `?${'a;'.repeat(n)}`],
    ['a scheme without an end', (n: number) => 'a'.repeat(3 * n)],
  ])('takes time in proportion to the length of hostile input: %s', (_, make) => {
    const timed = (n: number): number => {
      const input = make(n)
      const rounds = Array.from({ length: 7 }, () => {
        const startedAt = process.hrtime.bigint()
        redactUrl(input)
        return Number(process.hrtime.bigint() - startedAt)
      })
      return Math.min(...rounds)
    }
    timed(2_000)
    // Sixteen times the length; were it quadratic, 256 times the time.
    expect(timed(64_000)).toBeLessThan(100 * Math.max(timed(4_000), 20_000))
  })
})
