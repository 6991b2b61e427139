import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import fc from 'fast-check'
import { certificateExtensions } from '../../src/auth/certificate-extensions.js'
import { DerError } from '../../src/auth/der.js'
import { checkAuthorities, readX509Svid, SvidError } from '../../src/auth/x509-svid.js'
import { Authority, describeWithOpenssl, TRUST_DOMAIN, type CertificateOptions } from '../support/certificates.js'

const WORKLOAD = 'spiffe://mesh.test/users'

function der(pem: string): Buffer {
  return new X509Certificate(pem).raw
}

/** What go-spiffe and grpc-go hold to be bad, each made anew. */
const BAD_WORKLOADS: Readonly<Record<string, CertificateOptions>> = {
  'no SPIFFE ID': { uris: [] },
  'a URI that is no SPIFFE ID': { uris: ['https://mesh.test/users'] },
  'a SPIFFE ID of another scheme': { uris: ['SPIFFE://mesh.test/users'] },
  'a trust domain in capitals': { uris: ['spiffe://Mesh.test/users'] },
  'a trust domain with a port': { uris: ['spiffe://mesh.test:443/users'] },
  'a path with a dot segment': { uris: ['spiffe://mesh.test/a/../users'] },
  'a path with an escape': { uris: ['spiffe://mesh.test/us%65rs'] },
  'a path that ends with a slash': { uris: ['spiffe://mesh.test/users/'] },
  'a query': { uris: ['spiffe://mesh.test/users?a=b'] },
  'the SPIFFE ID of the trust domain alone': { uris: ['spiffe://mesh.test'] },
  'the SPIFFE ID of another trust domain': { uris: ['spiffe://other.test/users'] },
  'a trust domain that only begins like ours': { uris: ['spiffe://mesh.test.evil/users'] },
  'two SPIFFE IDs': { uris: [WORKLOAD, 'spiffe://mesh.test/orders'] },
  'one SPIFFE ID twice': { uris: [WORKLOAD, WORKLOAD] },
  'a SPIFFE ID and another URI': { uris: [WORKLOAD, 'https://mesh.test/users'] },
  'CA:TRUE': { uris: [WORKLOAD], isAuthority: true },
  'a key that signs certificates': { uris: [WORKLOAD], keyUsage: 'critical,digitalSignature,keyCertSign' },
  'a key that signs revocation lists': { uris: [WORKLOAD], keyUsage: 'critical,digitalSignature,cRLSign' },
  'a key that is not for signatures': { uris: [WORKLOAD], keyUsage: 'critical,keyEncipherment' },
  'no key usage': { uris: [WORKLOAD], keyUsage: '' },
  'servers only': { uris: [WORKLOAD], extendedKeyUsage: 'serverAuth' },
  'clients only': { uris: [WORKLOAD], extendedKeyUsage: 'clientAuth' },
  'neither servers nor clients': { uris: [WORKLOAD], extendedKeyUsage: 'codeSigning' },
}

const BAD_AUTHORITIES: Readonly<Record<string, CertificateOptions>> = {
  'CA:FALSE': { isAuthority: false },
  'a key that does not sign certificates': { keyUsage: 'critical,digitalSignature' },
  'no key usage': { keyUsage: '' },
  'a SPIFFE ID with a path': { uris: ['spiffe://mesh.test/issuer'] },
  'a SPIFFE ID of another trust domain': { uris: ['spiffe://other.test'] },
  'two SPIFFE IDs': { uris: ['spiffe://mesh.test', 'spiffe://mesh.test'] },
}

describeWithOpenssl('an X.509-SVID', () => {
  it('is read: whom it speaks for, and until when', () => {
    const { cert } = Authority.create().workload('users')
    const { spiffeId, expiresAt } = readX509Svid(der(cert), TRUST_DOMAIN)
    expect(spiffeId).toBe(WORKLOAD)
    expect(expiresAt - Date.now()).toBeGreaterThan(86_400_000)
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(2 * 86_400_000)
  })

  it('need not say what for', () => {
    const { cert } = Authority.create().workload('users', { extendedKeyUsage: '' })
    expect(readX509Svid(der(cert), TRUST_DOMAIN).spiffeId).toBe(WORKLOAD)
  })

  it('M05 is refused in each of the bad forms of go-spiffe and grpc-go', () => {
    const authority = Authority.create()
    const forms = Object.entries(BAD_WORKLOADS)
    expect(forms.length).toBeGreaterThan(20)
    for (const [form, options] of forms) {
      const { cert } = authority.sign(options)
      expect(() => readX509Svid(der(cert), TRUST_DOMAIN), form).toThrow(SvidError)
    }
  })

  it('M05 is refused when one that may not has signed it, in each bad form', () => {
    const authority = Authority.create()
    checkAuthorities([der(authority.below().pem), der(authority.below({ uris: ['spiffe://mesh.test'] }).pem)], TRUST_DOMAIN)
    for (const [form, options] of Object.entries(BAD_AUTHORITIES)) {
      expect(() => checkAuthorities([der(authority.below(options).pem)], TRUST_DOMAIN), form).toThrow(SvidError)
    }
  })

  it('is read or refused, and nothing else, whatever byte of it is another', () => {
    const whole = der(Authority.create().workload('users').cert)
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(whole.length), (at, byte, end) => {
        const bytes = Buffer.from(whole.subarray(0, end < whole.length / 2 ? whole.length : end))
        if (at < bytes.length) bytes[at] = byte
        try {
          certificateExtensions(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(DerError)
        }
      }),
      { numRuns: 3_000 },
    )
  })
})
