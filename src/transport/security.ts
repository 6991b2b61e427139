import type { SecureContext, TLSSocket } from 'node:tls'
import type { Endpoint } from '../call/endpoint.js'
import type { TlsPolicy } from '../call/policy.js'

/** Without `createMesh({ tls })` there is nothing to encrypt with; with it, its own `mode` stands above this. */
export const tlsPolicyDefaults: TlsPolicy = Object.freeze({ mode: 'off', identity: '' })

/** What opens connections over TLS; replaced whole when certificates change. */
export interface Secrets {
  readonly context: SecureContext
  /** Why this connection is not one to the workload `identity`; undefined when it is. Asked once for each, before anything is sent. */
  refusal(connection: TLSSocket, identity: string): Error | undefined
}

/** How attempts at the endpoints of one service are encrypted. */
export interface Security {
  /** The SPIFFE ID that an endpoint must prove, or that it is called in the clear, or why it is not to be called at all. */
  wayTo(endpoint: Endpoint): { readonly identity: string } | 'plain' | Error
  /** Those of the moment; undefined where no endpoint has to prove anything. */
  readonly secrets: Secrets | undefined
  readonly maxConnectionAgeMs: number
  /**
   * Calls `renewed` when there are others; `cutAfterMs`: an authority is no longer trusted, and what goes on over the old connections has so
   * long to end. The function that comes back ends it.
   */
  onRenewed(renewed: (cutAfterMs: number | undefined) => void): () => void
}
