import { X509Certificate } from 'node:crypto'
import { epochMsOf } from '../base/clock.js'
import type { PeerCertificate } from '../call/inbound.js'
import { certificateExtensions } from './certificate-extensions.js'
import { parseSpiffeId } from './spiffe-id.js'

/** Why a certificate is not that of a workload. */
export class SvidError extends Error {}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

/** More than any workload's chain has. */
const MAX_CHAIN = 8

/**
 * Reads the certificate of a workload (X509-SVID §2–4): one URI, which is the SPIFFE ID of a workload of the trust domain; no
 * authority; a key for signatures, and neither for certificates nor for revocation lists; if it says what for, then for both ends of a
 * connection. Whether an authority vouches for it, and its time, is OpenSSL's to check, and checked. Throws {@link SvidError}.
 */
export function readX509Svid(der: Uint8Array, trustDomain: string): PeerCertificate {
  const { uris, isAuthority, keyUsage, extendedKeyUsage } = extensionsOf(der)
  const [uri, another] = uris
  if (uri === undefined) throw new SvidError('it names no SPIFFE ID')
  if (another !== undefined) throw new SvidError('it has more than one URI')
  const id = parseSpiffeId(uri)
  if (id === undefined || id.path === '') throw new SvidError('its URI is not the SPIFFE ID of a workload')
  // The authorities of a trust domain speak for its own workloads only.
  if (id.trustDomain !== trustDomain) throw new SvidError('its SPIFFE ID is of another trust domain')
  if (isAuthority) throw new SvidError('it is that of an authority')
  if (keyUsage?.digitalSignature !== true) throw new SvidError('its key is not for signatures')
  if (keyUsage.keyCertSign || keyUsage.cRLSign) throw new SvidError('its key may sign certificates or revocation lists')
  if (extendedKeyUsage !== undefined && !(extendedKeyUsage.includes(SERVER_AUTH) && extendedKeyUsage.includes(CLIENT_AUTH))) {
    throw new SvidError('it is not for both ends of a connection')
  }
  return { spiffeId: uri, expiresAt: epochMsOf(new X509Certificate(der).validTo) }
}

/**
 * Checks what stands between a workload's certificate and the authorities that are trusted (X509-SVID §4): authorities whose key signs
 * certificates, and which, if they name a SPIFFE ID, name that of the trust domain itself. Throws {@link SvidError}.
 */
export function checkAuthorities(chain: readonly Uint8Array[], trustDomain: string): void {
  if (chain.length > MAX_CHAIN) throw new SvidError('its chain is too long')
  for (const der of chain) {
    const { uris, isAuthority, keyUsage } = extensionsOf(der)
    if (!isAuthority) throw new SvidError('it was signed by one that is no authority')
    if (keyUsage?.keyCertSign !== true) throw new SvidError('it was signed by a key that is not for certificates')
    if (uris.length > 1 || (uris.length === 1 && uris[0] !== `spiffe://${trustDomain}`)) {
      throw new SvidError('it was signed by an authority that names something else than the trust domain')
    }
  }
}

function extensionsOf(der: Uint8Array): ReturnType<typeof certificateExtensions> {
  try {
    return certificateExtensions(der)
  } catch (cause) {
    throw new SvidError(`it cannot be read: ${(cause as Error).message}`, { cause })
  }
}
