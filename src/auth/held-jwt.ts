import { decodePart, jsonObjectOf, TokenError } from './token-gate.js'
import { isBearerToken } from './token-source.js'

/** What the holder of a token must know of it. Nothing of it is verified: that is for whoever is shown it. */
export interface HeldJwt {
  readonly token: string
  readonly audiences: readonly string[]
  /** `exp`, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** How long it lives in all; undefined without an `iat`. */
  readonly lifetimeMs: number | undefined
}

/** Bytes of a signature; those of RSA are as long as its modulus. */
const SIGNATURE_BYTES: Readonly<Record<string, number>> = { ES256: 64, ES384: 96, ES512: 132, EdDSA: 64, Ed25519: 64 }
const MIN_RSA_BYTES = 256

/** Reads a signed JWT that somebody else has written. One that was cut short is refused. Throws {@link TokenError}. */
export function readHeldJwt(token: string): HeldJwt {
  const parts = token.split('.')
  if (!isBearerToken(token) || parts.length !== 3) throw new TokenError('it is not a signed token in three parts')
  const [header, payload, signature] = parts as [string, string, string]
  const { alg } = jsonObjectOf(decodePart(header), 'header')
  if (!isWhole(alg, decodePart(signature).length)) throw new TokenError('its signature is not whole')
  const { aud, exp, iat } = jsonObjectOf(decodePart(payload), 'payload')
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((one) => typeof one === 'string')) throw new TokenError('its aud is not a list of names')
  if (!isTime(exp)) throw new TokenError('its exp is not a time')
  return { token, audiences, expiresAt: exp * 1000, lifetimeMs: isTime(iat) ? (exp - iat) * 1000 : undefined }
}

function isWhole(alg: unknown, bytes: number): boolean {
  const wanted = SIGNATURE_BYTES[String(alg)]
  return wanted === undefined ? bytes >= MIN_RSA_BYTES && bytes % 32 === 0 : bytes === wanted
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
