import { meshErrorIn } from '../base/errors.js'
import type { Inbound, InboundReply, Peer } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'
import { TokenError } from './token-gate.js'
import type { Verifier } from './verifier.js'

/** Finds out who calls, by the bearer token of the request (RFC 6750 §2.1), and refuses whoever cannot show it. */
export function authenticate({ verifier }: { readonly verifier: Verifier }): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const token = bearerToken(inbound.header('authorization'))
    const peer = await peerOf(verifier, token)
    return next({ ...inbound, peer })
  }
}

function bearerToken(field: string | undefined): string {
  if (field === undefined) throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'the request has no authorization field')
  // Two fields come joined by a comma, which no token holds.
  const token = /^bearer ([\w.~+/-]+=*)$/i.exec(field)?.[1]
  if (token === undefined) {
    throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'the authorization field is not one bearer token', { tokenOffered: true })
  }
  return token
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
