import { SERVICE_TOKEN_TYPE } from './signer.js'
import { TokenError } from './token-gate.js'
import { servicesBySubject, shortText, type TokenProfile } from './token-profile.js'

export interface ForeignTokens {
  readonly issuer: string
  /** What its access tokens call themselves. */
  readonly typ: 'at+jwt' | 'JWT'
  /** The claim that says who calls. */
  readonly principalClaim: string
  /** Service → what that claim says of it. */
  readonly services: Readonly<Record<string, string>>
}

/** Claims by which an ID token shows itself (OpenID Connect Core §2, §3.3.2.11). */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash']

/**
 * Access tokens of an OAuth issuer that is not the mesh's own (RFC 9068). A caller's principal is `<issuer>#<claim>`, so that no name there
 * passes for one of this mesh or of another issuer, and only `services` makes it one.
 */
export function foreignTokens({ issuer, typ, principalClaim, services }: ForeignTokens): TokenProfile {
  const serviceOf = servicesBySubject(services)
  return {
    types: typ === 'JWT' ? ['jwt', undefined] : [SERVICE_TOKEN_TYPE],
    notAlgorithms: [],
    optional: [],
    maxLifetimeMs: 3_600_000,
    isOwn: () => false,
    callerOf(claims) {
      // Where the type does not tell them apart, an ID token must not pass for an access token.
      if (typ === 'JWT' && ID_TOKEN_CLAIMS.some((name) => Object.hasOwn(claims, name))) throw new TokenError('it is an ID token')
      shortText(claims['sub'], 'sub')
      const name = shortText(Object.hasOwn(claims, principalClaim) ? claims[principalClaim] : undefined, principalClaim)
      const principal = `${issuer}#${name}`
      return { service: serviceOf.get(name) ?? principal, principal }
    },
  }
}
