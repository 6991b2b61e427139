import { compactVerify } from 'jose'
import type { Clock } from '../base/clock.js'
import type { Peer } from '../call/inbound.js'
import { checkClaims, type ClaimRules } from './claims.js'
import type { VerificationKey } from './key-set.js'
import type { Keys } from './keys.js'
import { SERVICE_TOKEN_TYPE } from './signer.js'
import { jsonObjectOf, readTokenHeader, TokenError, type TokenHeader } from './token-gate.js'
import { TokenMemory } from './token-memory.js'

export interface VerifierOptions extends ClaimRules {
  readonly keys: Keys
  readonly clock: Clock
  /** What `typ` may say, lower-case and without `application/`; undefined for a token that has none. */
  readonly types: readonly (string | undefined)[]
}

type Tolerances = Pick<VerifierOptions, 'leewayMs' | 'maxLifetimeMs' | 'types'>

/** Service tokens; half a minute between two clocks, and an hour for a token that was meant to live minutes. */
export const verifierDefaults: Tolerances = Object.freeze({ leewayMs: 30_000, maxLifetimeMs: 3_600_000, types: [SERVICE_TOKEN_TYPE] })

/** What a JWT-SVID may call itself (JWT-SVID §2.3), and the algorithms that it must not have (§2.1). */
const SVID_TYPES = ['jwt', 'jose', undefined]
const NOT_FOR_SVIDS = ['EdDSA', 'Ed25519']

/** Tells who a token speaks for. */
export interface Verifier {
  /**
   * The peer, at once when the token was found good before. Rejects with {@link TokenError} when the token is
   * not good, and with `MESH_ERR_KEYS` when the issuer's keys cannot be had.
   */
  verify(token: string): Peer | Promise<Peer>
}

/** A verifier of tokens of one issuer for one audience (RFC 8725); of service tokens, OAuth access tokens, unless told otherwise (RFC 9068 §4). */
export function createVerifier(options: Omit<VerifierOptions, keyof Tolerances> & Partial<Tolerances>): Verifier {
  const types = options.trustDomain === undefined ? verifierDefaults.types : SVID_TYPES
  const rules: VerifierOptions = { ...verifierDefaults, types, ...options }
  const memory = new TokenMemory()
  return {
    verify(token) {
      const id = TokenMemory.idOf(token)
      const verified = memory.find(id)
      if (verified !== undefined && verified.expiresAt > rules.clock.epochMs()) {
        // Asked each time: a key that was withdrawn takes its tokens with it, and a set too old is fetched anew.
        if (rules.keys.find(verified.key.kid) === verified.key) return verified.peer
      }
      return verifyAnew(token, id, rules, memory)
    },
  }
}

async function verifyAnew(token: string, id: string, rules: VerifierOptions, memory: TokenMemory): Promise<Peer> {
  memory.forget(id)
  const header = readTokenHeader(token)
  if (!rules.types.includes(shortType(header.typ))) throw new TokenError(`its typ is not '${rules.types[0]}'`)
  if (rules.trustDomain !== undefined && NOT_FOR_SVIDS.includes(header.alg)) throw new TokenError('its algorithm is not one of a JWT-SVID')
  const key = await rules.keys.find(header.kid)
  if (key === undefined) throw new TokenError('its key is not one of the issuer')
  const payload = await verifySignature(token, header, key)
  const { peer, expiresAt } = checkClaims(jsonObjectOf(payload, 'payload'), rules, rules.clock.epochMs())
  memory.keep(id, { peer, key, expiresAt })
  return peer
}

/** Media types are compared without case, and `application/` may be left out (RFC 7515 §4.1.9). */
function shortType(typ: string | undefined): string | undefined {
  return typ?.toLowerCase().replace(/^application\//, '')
}

/** The payload of a token that has passed the gate and that this key signed. */
export async function verifySignature(token: string, header: TokenHeader, key: VerificationKey): Promise<Uint8Array> {
  if (!key.algorithms.includes(header.alg)) throw new TokenError('its algorithm is not the one of its key')
  try {
    return (await compactVerify(token, key.key, { algorithms: [header.alg] })).payload
  } catch {
    throw new TokenError('its signature is not good')
  }
}
