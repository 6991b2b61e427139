import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'
import type { PeerCertificate } from '../call/inbound.js'
import type { Credentials } from './credentials.js'
import { checkAuthorities, readX509Svid, SvidError } from './x509-svid.js'

/**
 * Whom the other end of an established connection has proved to be. It is asked of every connection: OpenSSL looks at certificates in a
 * full handshake only, and a resumed session brings those of long ago along, or none. Throws {@link SvidError}.
 */
export function peerCertificate(connection: TLSSocket, { trustDomain, authorities }: Credentials): PeerCertificate {
  if (connection.isSessionReused()) throw new SvidError('its session was resumed, and nobody has looked at its certificate again')
  const shown = connection.getPeerCertificate(true)
  // Node gives an empty object for none.
  if ((shown.raw as Buffer | undefined) === undefined) throw new SvidError('it has shown no certificate')
  if (!connection.authorized) throw new SvidError(`no authority that is trusted vouches for it (${String(connection.authorizationError)})`)
  const peer = readX509Svid(shown.raw, trustDomain)
  checkAuthorities(between(shown, authorities), trustDomain)
  return peer
}

/** What stands above a certificate, up to the first that is trusted by itself. */
function between(shown: DetailedPeerCertificate, authorities: Credentials['authorities']): readonly Buffer[] {
  const chain: Buffer[] = []
  let one = shown
  // One that has signed itself names itself as its issuer.
  while ((one.issuerCertificate as DetailedPeerCertificate | undefined) !== undefined && one.issuerCertificate !== one) {
    one = one.issuerCertificate
    if (authorities.has(one.fingerprint256)) break
    chain.push(one.raw)
  }
  return chain
}
