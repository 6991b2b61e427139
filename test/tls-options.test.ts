import { describe, expect, it } from 'vitest'
import { readTls, tlsSettings } from '../src/tls-options.js'

const FILES = { cert: '/cert.pem', key: '/key.pem', ca: '/ca.pem' }

describe('the options of tls', () => {
  it('take the trust domain of the identity, and make each service its SPIFFE ID of it', () => {
    expect(tlsSettings(readTls(FILES, 'tls'), 'mesh.test')).toEqual({
      ...FILES,
      trustDomain: 'mesh.test',
      identities: 'spiffe://mesh.test/{service}',
      mode: 'required',
      minVersion: 'TLSv1.3',
      maxConnectionAgeMs: 3_600_000,
      retireMs: 30_000,
    })
  })

  it.each([
    [{ ...FILES }, 'tls.trustDomain: expected the SPIFFE trust domain, here or in identity, got undefined'],
    [{ cert: '/cert.pem', ca: '/ca.pem', trustDomain: 'mesh.test' }, 'tls.key: expected the path of its private key, got undefined'],
    [{ ...FILES, trustDomain: 'Mesh.test' }, 'tls.trustDomain: expected the name of a SPIFFE trust domain, such as example.org, got "Mesh.test"'],
    [{ ...FILES, identities: 'spiffe://mesh.test/users' }, 'tls.identities: expected a SPIFFE ID with {service} in its path, got "spiffe://mesh.test/users"'],
    [{ ...FILES, identities: 'spiffe://{service}/a' }, 'tls.identities: expected SPIFFE IDs of the trust domain mesh.test, got "spiffe://{service}/a"'],
    [{ ...FILES, trustDomain: 'mesh.test', identities: 'spiffe://mesh.test.evil/{service}' }, 'tls.identities: expected SPIFFE IDs of the trust domain mesh.test, got "spiffe://mesh.test.evil/{service}"'],
    [{ ...FILES, mode: 'permissive' }, `tls.mode: expected one of 'required', 'offered', 'off', got "permissive"`],
    [{ ...FILES, minVersion: 'TLSv1' }, `tls.minVersion: expected one of 'TLSv1.2', 'TLSv1.3', got "TLSv1"`],
    [{ ...FILES, retireMs: 60_001 }, 'tls.retireMs: expected a whole number from 0 to 60000, got 60001'],
    [{ ...FILES, rejectUnauthorized: false }, /^tls\.rejectUnauthorized: unknown option/],
  ])('are refused when they are wrong: %j', (options, message) => {
    const domain = 'trustDomain' in options || !('identities' in options) ? undefined : 'mesh.test'
    expect(() => tlsSettings(readTls(options, 'tls'), domain)).toThrow(message)
  })
})
