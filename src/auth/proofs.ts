import type { Clock } from '../base/clock.js'
import { KnownKeys, readProof, type Proof } from './proof-gate.js'
import { tokenHash } from './prover.js'
import { TokenError } from './token-gate.js'
import { UsedProofs } from './used-proofs.js'

/** What a proof must be for. */
export interface ProofRules {
  readonly method: string
  /** Whether this URL is that of the request, without its query. */
  readonly isTarget: (htu: string) => boolean
  /** Undefined where a token is only asked for. */
  readonly token?: string | undefined
  /** Thumbprint of the key that the token is bound to; undefined where one is only asked for. */
  readonly thumbprint?: string | undefined
}

/** Too many proofs came to remember them all, so that no more can be told from one that comes again. */
export class TooManyProofs extends Error {}

/** For how long after it was made a proof is good, by one clock: the time of a call. `iat` mostly has no fractions: a second more. */
const PROOF_LIFETIME_MS = 11_000

/** Judges proofs of possession (RFC 9449 §4.3), and takes each of them once. */
export class Proofs {
  readonly #clock: Clock
  readonly #leewayMs: number
  readonly #keys = new KnownKeys()
  readonly #used: UsedProofs

  /** `leewayMs`: how far the clock of the prover may be apart from this one. */
  constructor(clock: Clock, leewayMs: number) {
    this.#clock = clock
    this.#leewayMs = leewayMs
    this.#used = new UsedProofs(PROOF_LIFETIME_MS + leewayMs)
  }

  /** How many are remembered. */
  get remembered(): number {
    return this.#used.size
  }

  /** The thumbprint of the key that has been shown. Throws {@link TokenError}, and {@link TooManyProofs}. */
  check(text: string, { method, isTarget, token, thumbprint }: ProofRules): string {
    const proof = readProof(text, this.#keys, thumbprint)
    if (proof.htm !== method) throw new TokenError('the proof is for another method')
    if (typeof proof.htu !== 'string' || !URL.canParse(proof.htu) || !isTarget(proof.htu)) throw new TokenError('the proof is for another target')
    if (token !== undefined && proof.ath !== tokenHash(token)) throw new TokenError('the proof is for another token')
    this.#checkTime(proof)
    // Last: what is refused for another reason must not use up a good proof, nor memory.
    const use = this.#used.use(proof, this.#clock.epochMs())
    if (use === 'full') throw new TooManyProofs('more proofs came than can be remembered')
    if (use === 'again') throw new TokenError('the proof has been used before')
    return proof.thumbprint
  }

  #checkTime({ issuedAt }: Proof): void {
    const now = this.#clock.epochMs()
    if (issuedAt + PROOF_LIFETIME_MS + this.#leewayMs <= now) throw new TokenError('the proof is too old')
    if (issuedAt - this.#leewayMs > now) throw new TokenError('the proof was made in the future')
  }
}
