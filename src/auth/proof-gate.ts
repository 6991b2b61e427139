import { hash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import type { JsonWebKey } from './json-web-key.js'
import { PROOF_ALGORITHM, PROOF_TYPE } from './prover.js'
import { decodePart, jsonObjectOf, TokenError } from './token-gate.js'

/** A proof whose signature is good. Of what it says nothing has been compared with the request yet. */
export interface Proof {
  /** RFC 7638 thumbprint of the key that signed it. */
  readonly thumbprint: string
  readonly jti: string
  readonly htm: unknown
  readonly htu: unknown
  readonly ath: unknown
  /** In milliseconds since the epoch. */
  readonly issuedAt: number
}

/** A target of 4 KiB is in it twice over. */
const MAX_PROOF_LENGTH = 8 * 1024
const MAX_JTI_LENGTH = 128
/** What a P-256 key consists of; the order is that of RFC 7638. */
const KEY_MEMBERS = ['crv', 'kty', 'x', 'y']
const COORDINATE = /^[A-Za-z0-9_-]{43}$/

/**
 * Reads a proof of possession (RFC 9449 §4.3), as strictly as a token: a compact JWS in its one base64url form, whose header holds
 * a P-256 key and nothing else. `expected` is the thumbprint that the key must have, which costs less to see than a signature. Throws
 * {@link TokenError}.
 */
export function readProof(text: string, keys: KnownKeys, expected?: string): Proof {
  if (text.length > MAX_PROOF_LENGTH) throw new TokenError(`the proof is over ${MAX_PROOF_LENGTH} characters`)
  const parts = text.split('.')
  if (parts.length !== 3) throw new TokenError('the proof is not one signed token in three parts')
  const [header, payload, signature] = parts as [string, string, string]
  const { typ, alg, jwk, ...others } = jsonObjectOf(decodePart(header), 'header')
  if (typ !== PROOF_TYPE || alg !== PROOF_ALGORITHM || Object.keys(others).length > 0) throw new TokenError('the header of the proof is not that of one')
  const key = p256(jwk)
  const thumbprint = hash('sha256', JSON.stringify(key), 'base64url')
  if (expected !== undefined && thumbprint !== expected) throw new TokenError('the proof is of another key than the one that the token is bound to')
  const input = Buffer.from(text.slice(0, text.length - signature.length - 1))
  const options = { key: keys.find(thumbprint, key), dsaEncoding: 'ieee-p1363' } as const
  const bytes = decodePart(signature)
  if (bytes.length !== 64 || !verify('sha256', input, options, bytes)) throw new TokenError('the signature of the proof is not good')
  return { thumbprint, ...claimsOf(payload) }
}

function claimsOf(payload: string): Omit<Proof, 'thumbprint'> {
  const { jti, htm, htu, ath, iat } = jsonObjectOf(decodePart(payload), 'payload')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) throw new TokenError('the jti of the proof is not a short string')
  if (typeof iat !== 'number' || !Number.isFinite(iat) || iat < 0) throw new TokenError('the iat of the proof is not a time')
  return { jti, htm, htu, ath, issuedAt: iat * 1000 }
}

/** The public key of a proof, and no more than that (RFC 9449 §4.3, point 7). */
function p256(jwk: unknown): JsonWebKey {
  const { crv, kty, x, y } = (typeof jwk === 'object' && jwk !== null ? jwk : {}) as JsonWebKey
  const isWhole = kty === 'EC' && crv === 'P-256' && COORDINATE.test(x ?? '') && COORDINATE.test(y ?? '')
  if (!isWhole || Object.keys(jwk as object).some((name) => !KEY_MEMBERS.includes(name))) throw new TokenError('the key of the proof is not a public P-256 key alone')
  return { crv, kty, x: x!, y: y! }
}

const MAX_KEYS = 1_000

/** Keys of proofs, ready for use, since to import one costs as much as to use it. The one unused longest makes room. */
export class KnownKeys {
  readonly #keys = new Map<string, KeyObject>()

  find(thumbprint: string, jwk: JsonWebKey): KeyObject {
    const known = this.#keys.get(thumbprint) ?? imported(jwk)
    this.#keys.delete(thumbprint)
    this.#keys.set(thumbprint, known)
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!)
    return known
  }
}

function imported(jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    throw new TokenError('the key of the proof is not on its curve')
  }
}
