import { parseStrictJson } from './strict-json.js'

/** Why a token is not taken; the message names the check and holds nothing of the token. */
export class TokenError extends Error {}

/** What a token says of itself before anything of it is believed. */
export interface TokenHeader {
  readonly alg: string
  readonly kid: string
  readonly typ: string | undefined
}

/** Larger than any honest token, smaller than Node's limit for a header. */
const MAX_TOKEN_LENGTH = 8 * 1024
const MAX_KID_LENGTH = 256

/** Asymmetric signatures only: a verifier holds no secret (RFC 8725 §3.1 and §3.2). */
const ALGORITHMS: ReadonlySet<unknown> = new Set([
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
])

/**
 * Members by which a token would bring its own key or change how it is read (RFC 8725 §3.5 and §3.10). `crit` names
 * extensions, and there is none that this package understands.
 */
const FORBIDDEN_MEMBERS = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'enc', 'zip']

/**
 * The strict gate that every token passes before it is decoded any further: a compact JWS of modest size, each part in
 * its one base64url form, with a header that leaves nothing open. Throws {@link TokenError}.
 */
export function readTokenHeader(token: string): TokenHeader {
  if (token.length > MAX_TOKEN_LENGTH) throw new TokenError(`it is over ${MAX_TOKEN_LENGTH} characters`)
  const parts = token.split('.')
  if (parts.length !== 3) throw new TokenError('it is not a signed token in three parts')
  const [header, payload, signature] = parts as [string, string, string]
  if (signature === '') throw new TokenError('it has no signature')
  for (const part of [payload, signature]) decodePart(part)
  return checkedHeader(jsonPart(header))
}

/** The bytes of a part, which must be what those bytes encode to: no padding, no stray bits, no other alphabet. */
export function decodePart(part: string): Buffer {
  const bytes = Buffer.from(part, 'base64url')
  if (bytes.toString('base64url') !== part) throw new TokenError('a part is not base64url in its canonical form')
  return bytes
}

function jsonPart(part: string): Record<string, unknown> {
  return jsonObjectOf(decodePart(part), 'header')
}

/** The JSON object in a part's bytes. */
export function jsonObjectOf(bytes: Uint8Array, part: 'header' | 'payload'): Record<string, unknown> {
  let value: unknown
  try {
    value = parseStrictJson(bytes)
  } catch {
    throw new TokenError(`its ${part} is not strict JSON`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TokenError(`its ${part} is not an object`)
  return value as Record<string, unknown>
}

function checkedHeader(header: Record<string, unknown>): TokenHeader {
  const forbidden = FORBIDDEN_MEMBERS.find((name) => Object.hasOwn(header, name))
  if (forbidden !== undefined) throw new TokenError(`its header holds '${forbidden}'`)
  const { alg, kid, typ } = header
  if (!ALGORITHMS.has(alg)) throw new TokenError('its algorithm is not allowed')
  if (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_LENGTH) throw new TokenError('its kid is not a short string')
  if (typ !== undefined && typeof typ !== 'string') throw new TokenError('its typ is not a string')
  return { alg: alg as string, kid, typ }
}
