import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'
import type { Judge } from './policy.js'
import { readRequestPath } from './request-path.js'

/** Lets pass what the policy allows to the peer that the identity stage has found. */
export function authorize({ judge }: { readonly judge: Judge }): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const peer = inbound.peer
    if (peer === undefined) throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'no identity stage stands above this one')
    const caller = { peer: peer.principal }
    const path = readRequestPath(inbound.target)
    if ('refused' in path) throw new Refusal('MESH_ERR_BAD_PATH', `the path is ambiguous: ${path.refused}`, caller)
    const verdict = judge(peer, inbound.method, path.segments)
    if (!verdict.allowed) throw new Refusal('MESH_ERR_FORBIDDEN', verdict.rule, caller)
    return next(inbound)
  }
}
