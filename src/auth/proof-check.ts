import type { Clock } from '../base/clock.js'
import type { Inbound, Peer } from '../call/inbound.js'
import { Refusal } from '../call/refusal.js'
import { Proofs, TooManyProofs } from './proofs.js'
import { PROOF_ALGORITHM, PROOF_HEADER } from './prover.js'
import { rawPathOf } from './request-path.js'
import { TokenError } from './token-gate.js'

/** Whether every token must be bound to a key, or those that are. */
export type ProofDemand = 'required' | 'optional'

export interface ProofCheckOptions {
  readonly demand: ProofDemand
  /** The name by which this service is called. */
  readonly service: string
  readonly clock: Clock
  readonly leewayMs: number
}

/** Refuses a request whose token is bound to a key, and that does not prove to be of the holder of that key. */
export type ProofCheck = (inbound: Inbound, scheme: 'bearer' | 'dpop', token: string, peer: Peer) => void

const ALGORITHMS = `algs="${PROOF_ALGORITHM}"`

/**
 * A token that says which key it is bound to (`cnf.jkt`, RFC 9449 §6.1) is nobody's but the holder's: it counts with a proof of this
 * very request, once, whatever `demand` says. One that is bound in a way that is not known here is not taken at all.
 */
export function createProofCheck({ demand, service, clock, leewayMs }: ProofCheckOptions): ProofCheck {
  const proofs = new Proofs(clock, leewayMs)
  return (inbound, scheme, token, peer) => {
    const { cnf } = peer.claims
    if (cnf === undefined && scheme === 'bearer' && demand === 'optional') return
    const refuse = (reason: string, error?: 'invalid_token' | 'invalid_dpop_proof'): Refusal =>
      new Refusal('MESH_ERR_UNAUTHENTICATED', reason, { peer: peer.principal, challenge: error === undefined ? `DPoP ${ALGORITHMS}` : `DPoP error="${error}", ${ALGORITHMS}` })
    if (cnf === undefined) throw refuse('the token is bound to no key', 'invalid_token')
    const thumbprint = boundTo(cnf)
    if (thumbprint === undefined) throw refuse('the token is bound in a way that is not known here', 'invalid_token')
    const proof = inbound.header(PROOF_HEADER)
    if (scheme === 'bearer') throw refuse('the token is bound to a key, and was sent as one of a bearer', 'invalid_token')
    if (proof === undefined) throw refuse('the request brings no proof of possession')
    try {
      proofs.check(proof, { method: inbound.method, isTarget: targetOf(service, inbound.target), token, thumbprint })
    } catch (error) {
      if (error instanceof TokenError) throw refuse(error.message, 'invalid_dpop_proof')
      if (error instanceof TooManyProofs) throw new Refusal('MESH_ERR_SHED', error.message, { peer: peer.principal })
      throw error
    }
  }
}

/** The thumbprint, when it is all that is said. */
function boundTo(cnf: unknown): string | undefined {
  if (typeof cnf !== 'object' || cnf === null || Object.keys(cnf).length !== 1) return undefined
  const { jkt } = cnf as { readonly jkt?: unknown }
  return typeof jkt === 'string' ? jkt : undefined
}

/**
 * The path as it came, at this service by its own name. The request's `Host` is no witness: whoever replays a proof writes it. Nor is
 * the scheme, which a proxy may have changed.
 */
function targetOf(service: string, target: string): (htu: string) => boolean {
  const path = rawPathOf(target)
  return (htu) => {
    if (htu === `http://${service}${path}`) return true
    const url = new URL(htu)
    return /^https?:$/.test(url.protocol) && url.hostname === service && url.pathname === new URL(`http://x${path}`).pathname
  }
}
