import type { TLSSocket } from 'node:tls'
import type { Clock } from '../base/clock.js'
import type { Inbound, InboundReply, PeerCertificate } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import type { TlsMode } from '../call/policy.js'
import { Refusal } from '../call/refusal.js'
import { SvidError } from './x509-svid.js'

/** What the inbound side has to know of TLS. */
export interface ConnectionIdentity {
  readonly trustDomain: string
  /** Whom the other end of a connection has proved to be. Throws {@link SvidError}. */
  peerOf(connection: TLSSocket): PeerCertificate
  /** The SPIFFE ID that a service has in this mesh. */
  identityOf(service: string): string
  /** The service that has this SPIFFE ID; undefined for a workload that is none. */
  serviceOf(spiffeId: string): string | undefined
}

/**
 * Looks at the connection that a request came over, and refuses one that has not proved who is at its other end: where TLS is `required`
 * also one in the clear. What a server has let in is looked at again, since a server may have been set up by hand.
 */
export function securedConnection(tls: ConnectionIdentity, mode: Exclude<TlsMode, 'off'>, clock: Clock): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const { connection } = inbound
    if (connection === undefined) {
      if (mode === 'required' || inbound.scheme === 'https') throw new Refusal('MESH_ERR_TLS', 'it came over no connection of TLS that ends in this process')
      return next(inbound)
    }
    const certificate = certificateOf(tls, connection)
    // It may well have been good when the connection was opened.
    if (certificate.expiresAt <= clock.epochMs()) {
      throw new Refusal('MESH_ERR_TLS', 'the certificate of the connection has expired', { peer: certificate.spiffeId })
    }
    return next({ ...inbound, certificate })
  }
}

/** For a mesh without an issuer: the caller is whom its certificate names. */
export function callerByCertificate(tls: ConnectionIdentity): Layer<Inbound, InboundReply> {
  const issuer = `spiffe://${tls.trustDomain}`
  const claims = Object.freeze({})
  return (next) => async (inbound) => {
    if (inbound.certificate === undefined) throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'the connection has no certificate to know the caller by')
    const { spiffeId } = inbound.certificate
    return next({ ...inbound, peer: { service: tls.serviceOf(spiffeId) ?? spiffeId, principal: spiffeId, issuer, claims } })
  }
}

/** Refuses a token that somebody else brings than the one whom it speaks for: it was stolen. */
export function tokenOfConnection(tls: ConnectionIdentity): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const { certificate, peer } = inbound
    if (certificate === undefined || peer === undefined) return next(inbound)
    const { spiffeId } = certificate
    if (spiffeId !== peer.principal && spiffeId !== tls.identityOf(peer.service)) {
      throw new Refusal('MESH_ERR_UNAUTHENTICATED', `the token of ${peer.principal} came over a connection of ${spiffeId}`, { tokenOffered: true, peer: spiffeId })
    }
    return next(inbound)
  }
}

function certificateOf(tls: ConnectionIdentity, connection: TLSSocket): PeerCertificate {
  try {
    return tls.peerOf(connection)
  } catch (error) {
    if (error instanceof SvidError) throw new Refusal('MESH_ERR_TLS', `the certificate of the connection is refused: ${error.message}`)
    throw error
  }
}
