import type { Inbound, InboundReply, Peer } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { Refusal } from '../call/refusal.js'
import type { PolicySource } from './live-policy.js'
import type { JudgedRequest } from './matcher.js'
import type { Verdict } from './policy.js'
import { readRequestPath } from './request-path.js'

export interface Authorization {
  readonly policy: PolicySource
  /** Told the verdict of what is only tried, when it is another one. */
  readonly audit: (verdict: Verdict, inbound: Inbound, peer: Peer) => void
}

/** Lets pass what the policy allows to the peer that the identity stage has found. */
export function authorize({ policy, audit }: Authorization): Layer<Inbound, InboundReply> {
  return (next) => async (inbound) => {
    const peer = inbound.peer
    if (peer === undefined) throw new Refusal('MESH_ERR_UNAUTHENTICATED', 'no identity stage stands above this one')
    const caller = { peer: peer.principal }
    const path = readRequestPath(inbound.target)
    if ('refused' in path) throw new Refusal('MESH_ERR_BAD_PATH', `the path is ambiguous: ${path.refused}`, caller)
    const { method, remoteAddress, localPort } = inbound
    const request: JudgedRequest = { peer, method, path: path.segments, remoteAddress, localPort, header: (name) => inbound.header(name) }
    // Read once: what is tried belongs to what decides.
    const { judge, trials } = policy.current
    const verdict = judge(request)
    for (const trial of trials) {
      const tried = trial(request)
      if (tried.allowed !== verdict.allowed) audit(tried, inbound, peer)
    }
    if (!verdict.allowed) throw new Refusal('MESH_ERR_FORBIDDEN', verdict.rule, caller)
    return next(inbound)
  }
}
