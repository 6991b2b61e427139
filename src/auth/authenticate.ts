import { meshErrorIn } from '../base/errors.js'
import type { Inbound, InboundReply, Peer } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'
import type { ProofCheck } from './proof-check.js'
import { TokenError } from './token-gate.js'
import type { Verifier } from './verifier.js'

/**
 * Finds out who calls, by the token of the request (RFC 6750 §2.1), which is a bearer's or bound to a key (RFC 9449 §7.1), and
 * refuses whoever cannot show it.
 */
export function authenticate({ verifier, checkProof }: { readonly verifier: Verifier; readonly checkProof: ProofCheck }): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const { scheme, token } = credentials(inbound.header('authorization'))
    const peer = await peerOf(verifier, token)
    checkProof(inbound, scheme, token, peer)
    return next({ ...inbound, peer })
  }
}

function credentials(field: string | undefined): { readonly scheme: 'bearer' | 'dpop'; readonly token: string } {
  if (field === undefined) throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'the request has no authorization field')
  // Two fields come joined by a comma, which no token holds.
  const [, scheme, token] = /^(bearer|dpop) ([\w.~+/-]+=*)$/i.exec(field) ?? []
  if (token === undefined) {
    throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'the authorization field is not one token', { tokenOffered: true })
  }
  return { scheme: scheme!.toLowerCase() as 'bearer' | 'dpop', token }
}

async function peerOf(verifier: Verifier, token: string): Promise<Peer> {
  try {
    return await verifier.verify(token)
  } catch (error) {
    if (error instanceof TokenError) {
      throw new Refusal('MESH_ERR_UNAUTHENTICATED', `the token is refused: ${error.message}`, { tokenOffered: true })
    }
    const keysError = meshErrorIn(error, 'MESH_ERR_KEYS')
    if (keysError !== undefined) throw new Refusal('MESH_ERR_KEYS', keysError.message, { cause: error })
    throw error
  }
}
