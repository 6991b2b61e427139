import { authenticate } from './auth/authenticate.js'
import { callerByCertificate, securedConnection, tokenOfConnection, type ConnectionIdentity } from './auth/connection-identity.js'
import { createProofCheck, type ProofDemand } from './auth/proof-check.js'
import { DEFAULT_LEEWAY_MS, verifierOf } from './auth/verifier.js'
import type { Clock } from './base/clock.js'
import { optionError } from './base/validate.js'
import type { Inbound, InboundReply } from './call/inbound.js'
import type { Layer } from './call/layer.js'
import type { TlsMode } from './call/policy.js'
import { issuerRules, type Trust } from './trusted-issuers.js'

/** By what a mesh knows its callers. */
export interface CallerGround extends Trust {
  readonly service: string
  readonly clock: Clock
  /** Undefined when the mesh has no certificates. */
  readonly tls?: { readonly identity: ConnectionIdentity; readonly mode: TlsMode } | undefined
}

export interface TokenRules {
  readonly audience?: string
  readonly leewayMs?: number
  readonly maxLifetimeMs?: number
  readonly proof?: ProofDemand
}

/**
 * The stages by which an inbound request gets its caller: its connection, its token, or both, which then have to be of the same workload.
 * Throws `MESH_ERR_OPTION` when there is neither an issuer nor TLS: whom it cannot verify a mesh could only refuse.
 */
export function callerIdentity(ground: CallerGround, asked: TlsMode | undefined, { proof = 'optional', ...rules }: TokenRules): readonly Layer<Inbound, InboundReply>[] {
  const mode = asked ?? ground.tls?.mode ?? 'off'
  if (mode !== 'off' && ground.tls === undefined) throw optionError('tls', "'off', unless createMesh was given tls", mode)
  const tls = mode === 'off' ? undefined : ground.tls?.identity
  const { service, clock, verification, trustedIssuers = [] } = ground
  const hasIssuer = verification !== undefined || trustedIssuers.length > 0
  if (tls !== undefined && mode !== 'off' && !hasIssuer) {
    if (proof === 'required') throw optionError('proof', "'optional', since callers bring no tokens where there is no issuer", proof)
    return [securedConnection(tls, mode, clock), callerByCertificate(tls)]
  }
  const verifier = verifierOf(issuerRules(ground, { audience: service, ...rules }), clock)
  const checkProof = createProofCheck({ service, clock, demand: proof, leewayMs: rules.leewayMs ?? DEFAULT_LEEWAY_MS })
  const byToken = authenticate({ verifier, checkProof })
  if (tls === undefined || mode === 'off') return [byToken]
  return [
    // First: what comes over a connection that is not taken does not get as far as its token.
    securedConnection(tls, mode, clock),
    byToken,
    tokenOfConnection(tls),
  ]
}
