import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { JWK } from 'jose'
import type { Clock } from '../base/clock.js'

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

/** A public key as RFC 7517 writes it. */
export type JsonWebKey = JWK

/** Makes a signer with a fresh ES256 key. Its `kid` is the RFC 7638 thumbprint, so that no two keys ever share one. */
export async function createSigner({ clock }: { readonly clock: Clock }): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return {
    jwks: { keys: [{ ...jwk, kid, alg: 'ES256', use: 'sig' }] },
    sign({ lifetimeMs, ...claims }) {
      const issuedAt = Math.floor(clock.epochMs() / 1000)
      const expiresAt = issuedAt + Math.floor(lifetimeMs / 1000)
      return new SignJWT({ client_id: claims.sub, ...claims, iat: issuedAt, exp: expiresAt, jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid, typ: SERVICE_TOKEN_TYPE })
        .sign(privateKey)
    },
  }
}
