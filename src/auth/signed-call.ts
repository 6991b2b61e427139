import type { Call } from '../call/call.js'
import { withHeader } from '../call/headers.js'
import { PROOF_HEADER, type Prover } from './prover.js'

/**
 * The call with its token. With a prover it also carries a proof that whoever sends it may: a fresh one, since each counts once, and
 * this stage stands below retry. The proof is for the service, by the name that it has on the wire, whatever address is picked.
 */
export function signedCall(call: Call, token: string, prover: Prover | undefined): Call {
  if (prover === undefined) return { ...call, headers: withHeader(call.headers, 'authorization', `Bearer ${token}`) }
  const { method, service, path } = call
  const proof = prover.prove({ method, url: `http://${service}${path}`, token })
  return { ...call, headers: withHeader(withHeader(call.headers, 'authorization', `DPoP ${token}`), PROOF_HEADER, proof) }
}
