import { randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Clock } from '../base/clock.js'
import type { JsonWebKey } from './json-web-key.js'
import { publicJwkOf } from './signing-key.js'

/**
 * Type of the mesh's own service token: an OAuth access token (RFC 9068). A type of its own keeps every other kind of
 * token of the same issuer, an ID token above all, from passing for one (RFC 8725 §3.11).
 */
export const SERVICE_TOKEN_TYPE = 'at+jwt'

export interface TokenClaims {
  readonly iss: string
  readonly sub: string
  readonly aud: string
  /** How long the token is good for. */
  readonly lifetimeMs: number
  /** Any further claim. */
  readonly [claim: string]: unknown
}

/** Signs service tokens with a key pair that never leaves it. */
export interface Signer {
  /** The public key, for verifiers. */
  readonly jwks: { readonly keys: readonly JsonWebKey[] }
  /** A signed token; `iat`, `exp` and `jti` are added, and `client_id`, the subject unless given. */
  sign(claims: TokenClaims): Promise<string>
}

/** A signer with this P-256 key. Its tokens are of the type `typ`, a service token's unless given. */
export function signerWith(privateKey: KeyObject, clock: Clock, typ: string = SERVICE_TOKEN_TYPE): Signer {
  const jwk = publicJwkOf(privateKey)
  return {
    jwks: { keys: [jwk] },
    sign({ lifetimeMs, ...claims }) {
      const issuedAt = Math.floor(clock.epochMs() / 1000)
      const expiresAt = issuedAt + Math.floor(lifetimeMs / 1000)
      return new SignJWT({ client_id: claims.sub, ...claims, iat: issuedAt, exp: expiresAt, jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: jwk.kid, typ })
        .sign(privateKey)
    },
  }
}
