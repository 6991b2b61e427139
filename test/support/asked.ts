import type { JudgedRequest } from '../../src/auth/matcher.js'
import { accessPolicy, type AccessPolicy, type Verdict } from '../../src/auth/policy.js'
import { readRequestPath } from '../../src/auth/request-path.js'
import type { Peer } from '../../src/call/inbound.js'

export function peerOf(service: string, principal = service, claims: Peer['claims'] = {}, issuer = 'https://issuer.test'): Peer {
  return { service, principal, issuer, claims }
}

export interface Asked {
  readonly peer?: Peer
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly remoteAddress?: string | undefined
  readonly localPort?: number | undefined
}

/** A request as a policy is given it; the caller is `orders`, and its path one that is not refused beforehand. */
export function asked({ headers = {}, path = '/', ...others }: Asked = {}): JudgedRequest {
  const read = readRequestPath(path)
  if ('refused' in read) throw new Error(`${path}: ${read.refused}`)
  const header = (name: string): string | undefined => (Object.hasOwn(headers, name) ? headers[name] : undefined)
  return { peer: peerOf('orders'), method: 'GET', remoteAddress: '10.1.2.3', localPort: 8080, ...others, path: read.segments, header }
}

export function verdictOn(policy: AccessPolicy, request: JudgedRequest): Verdict {
  return accessPolicy(policy, 'policy').judge(request)
}
