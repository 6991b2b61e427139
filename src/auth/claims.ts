import type { Peer } from '../call/inbound.js'
import { TokenError } from './token-gate.js'
import type { TokenProfile } from './token-profile.js'

/** What a token must say to be good here. */
export interface ClaimRules {
  readonly issuer: string
  readonly audience: string
  /** How far the issuer's clock and this one may be apart. */
  readonly leewayMs: number
  /** Longest life, from `iat` to `exp`, that a token may be given. */
  readonly maxLifetimeMs: number
  /** The one kind of token that is taken from this issuer. */
  readonly profile: TokenProfile
}

/**
 * Checks the claims of a token whose signature is good (RFC 7519 §4.1), each in exactly one shape, and says who it
 * speaks for. `exp`, `iat`, `iss`, `aud` and `sub` are required, but for what its kind may leave out: the life of one without `iat`
 * is what is left of it. Throws {@link TokenError}.
 */
export function checkClaims(
  claims: Record<string, unknown>,
  rules: ClaimRules,
  epochMs: number,
): { readonly peer: Peer; readonly expiresAt: number } {
  const isLeftOut = (name: 'iss' | 'iat'): boolean => claims[name] === undefined && rules.profile.optional.includes(name)
  if (claims['iss'] !== rules.issuer && !isLeftOut('iss')) throw new TokenError('it is of another issuer')
  if (!isAudience(claims['aud'], rules.audience)) throw new TokenError('it is for another audience')
  const caller = rules.profile.callerOf(claims)
  const expiresAt = time(claims, 'exp')
  const issuedAt = isLeftOut('iat') ? Math.min(epochMs, expiresAt - 1) : time(claims, 'iat')
  if (expiresAt + rules.leewayMs <= epochMs) throw new TokenError('it has expired')
  if (issuedAt - rules.leewayMs > epochMs) throw new TokenError('it was issued in the future')
  if (claims['nbf'] !== undefined && time(claims, 'nbf') - rules.leewayMs > epochMs) throw new TokenError('it is not valid yet')
  if (expiresAt <= issuedAt) throw new TokenError('it expires before it was issued')
  if (expiresAt - issuedAt > rules.maxLifetimeMs) throw new TokenError('its lifetime is longer than allowed')
  return { peer: { ...caller, issuer: rules.issuer, claims: Object.freeze(claims) }, expiresAt }
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
