import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { PeerCertificate } from '../call/inbound.js'
import { readX509Svid } from './x509-svid.js'

/** The contents of the three files, PEM. */
export interface CredentialTexts {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface CredentialRules {
  readonly trustDomain: string
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Milliseconds since the Unix epoch. */
  readonly epochMs: number
}

/** Who this process is on its connections, and whom it believes there: a whole, replaced as a whole. */
export interface Credentials {
  readonly own: PeerCertificate
  readonly trustDomain: string
  /** Every authority that is trusted, by its SHA-256 fingerprint. */
  readonly authorities: ReadonlySet<string>
  /** For servers, which make their contexts themselves. */
  readonly options: SecureContextOptions
  readonly context: SecureContext
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** Makes credentials of what the files hold, or throws: all three must be whole, belong together, and be of the trust domain. */
export function readCredentials({ cert, key, ca }: CredentialTexts, { trustDomain, minVersion, epochMs }: CredentialRules): Credentials {
  const [leaf] = certificatesIn(cert, 'cert')
  const own = attempt('cert', () => readX509Svid(leaf!.raw, trustDomain))
  if (own.expiresAt <= epochMs) throw new Error(`cert: it expired at ${leaf!.validTo}`)
  const privateKey = attempt('key', () => createPrivateKey(key))
  if (!leaf!.checkPrivateKey(privateKey)) throw new Error('key: it is not the key of cert')
  const trusted = certificatesIn(ca, 'ca')
  if (trusted.some((one) => !one.ca)) throw new Error('ca: a certificate in it is not that of an authority')
  const options: SecureContextOptions = {
    cert,
    key,
    ca,
    minVersion,
    // A resumed session, or a second handshake within one (TLS 1.2), would bring in somebody whom nobody has looked at again. Node's
    // own `disableRenegotiation` tells of it, and lets it happen.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  }
  const authorities = new Set(trusted.map(({ fingerprint256 }) => fingerprint256))
  return { own, trustDomain, authorities, options, context: createSecureContext(options) }
}

function certificatesIn(pem: string, field: string): readonly X509Certificate[] {
  const blocks = pem.match(CERTIFICATE) ?? []
  if (blocks.length === 0 || blocks.length !== pem.split('-----BEGIN CERTIFICATE-----').length - 1) {
    throw new Error(`${field}: it does not hold whole certificates as PEM`)
  }
  return blocks.map((block) => attempt(field, () => new X509Certificate(block)))
}

function attempt<T>(field: string, task: () => T): T {
  try {
    return task()
  } catch (cause) {
    throw new Error(`${field}: ${(cause as Error).message}`, { cause })
  }
}
