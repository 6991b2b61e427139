import type { Peer } from '../call/inbound.js'
import { parseSpiffeId } from './spiffe-id.js'
import { TokenError } from './token-gate.js'

/** What a token must say to be good here. */
export interface ClaimRules {
  readonly issuer: string
  readonly audience: string
  /** How far the issuer's clock and this one may be apart. */
  readonly leewayMs: number
  /** Longest life, from `iat` to `exp`, that a token may be given. */
  readonly maxLifetimeMs: number
  /** The one trust domain whose JWT-SVIDs are taken, and nothing else is then; undefined for tokens of other kinds. */
  readonly trustDomain?: string | undefined
}

const MAX_SUBJECT_LENGTH = 256
/** A SPIFFE ID may be longer; one that long is no name for a log. */
const MAX_SPIFFE_ID_LENGTH = 512

/**
 * Checks the claims of a token whose signature is good (RFC 7519 §4.1), each in exactly one shape, and says who it
 * speaks for. `exp`, `iat`, `iss`, `aud` and `sub` are required; of a JWT-SVID `exp`, `aud` and `sub` (JWT-SVID §3), and the
 * life of one without `iat` is what is left of it. Throws {@link TokenError}.
 */
export function checkClaims(
  claims: Record<string, unknown>,
  rules: ClaimRules,
  epochMs: number,
): { readonly peer: Peer; readonly expiresAt: number } {
  const isSvid = rules.trustDomain !== undefined
  if (claims['iss'] !== rules.issuer && !(isSvid && claims['iss'] === undefined)) throw new TokenError('it is of another issuer')
  if (!isAudience(claims['aud'], rules.audience)) throw new TokenError('it is for another audience')
  const subject = subjectOf(claims, rules.trustDomain)
  const expiresAt = time(claims, 'exp')
  const issuedAt = isSvid && claims['iat'] === undefined ? Math.min(epochMs, expiresAt - 1) : time(claims, 'iat')
  if (expiresAt + rules.leewayMs <= epochMs) throw new TokenError('it has expired')
  if (issuedAt - rules.leewayMs > epochMs) throw new TokenError('it was issued in the future')
  if (claims['nbf'] !== undefined && time(claims, 'nbf') - rules.leewayMs > epochMs) throw new TokenError('it is not valid yet')
  if (expiresAt <= issuedAt) throw new TokenError('it expires before it was issued')
  if (expiresAt - issuedAt > rules.maxLifetimeMs) throw new TokenError('its lifetime is longer than allowed')
  return { peer: { service: subject, principal: subject, issuer: rules.issuer, claims: Object.freeze(claims) }, expiresAt }
}

function subjectOf({ sub }: Record<string, unknown>, trustDomain: string | undefined): string {
  const maxLength = trustDomain === undefined ? MAX_SUBJECT_LENGTH : MAX_SPIFFE_ID_LENGTH
  if (typeof sub !== 'string' || sub === '' || sub.length > maxLength) throw new TokenError('its sub is not a short string')
  if (trustDomain === undefined) return sub
  const id = parseSpiffeId(sub)
  if (id === undefined || id.path === '') throw new TokenError('its sub is not the SPIFFE ID of a workload')
  // The keys of a trust domain speak for its own workloads only.
  if (id.trustDomain !== trustDomain) throw new TokenError('its sub is of another trust domain')
  return sub
}

function isAudience(aud: unknown, wanted: string): boolean {
  if (!Array.isArray(aud)) return aud === wanted
  return aud.every((one) => typeof one === 'string') && aud.includes(wanted)
}

/** A NumericDate (RFC 7519 §2) in milliseconds. */
function time(claims: Record<string, unknown>, name: 'exp' | 'iat' | 'nbf'): number {
  const seconds = claims[name]
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) throw new TokenError(`its ${name} is not a time`)
  return seconds * 1000
}
