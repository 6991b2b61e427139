import type { IncomingHttpHeaders } from 'node:http'
import { Proofs, TooManyProofs } from '../../auth/proofs.js'
import { TokenError } from '../../auth/token-gate.js'
import type { Clock } from '../../base/clock.js'
import { OAuthRefusal } from './token-request.js'

/** What a token says of the key that it is bound to (RFC 9449 §6.1). */
export interface Confirmation {
  readonly cnf?: { readonly jkt: string }
}

/** Half a minute between the client's clock and this one, as for its assertions. */
const LEEWAY_MS = 30_000

/** Finds the key to which a client wants its token bound, by the proof in its request (RFC 9449 §5); none, without one. */
export class BoundKeys {
  readonly #proofs: Proofs

  constructor(clock: Clock) {
    this.#proofs = new Proofs(clock, LEEWAY_MS)
  }

  /** Throws {@link OAuthRefusal}. */
  of({ dpop }: IncomingHttpHeaders, tokenEndpoint: string): Confirmation {
    if (dpop === undefined) return {}
    try {
      return { cnf: { jkt: this.#proofs.check(String(dpop), { method: 'POST', isTarget: (htu) => htu === tokenEndpoint }) } }
    } catch (error) {
      if (error instanceof TokenError || error instanceof TooManyProofs) throw new OAuthRefusal('invalid_dpop_proof', error.message)
      throw error
    }
  }
}
