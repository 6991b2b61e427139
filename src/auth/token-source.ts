import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import type { JsonWebKey } from './json-web-key.js'
import type { Prover } from './prover.js'

/** Where the tokens of outbound calls come from. */
export interface TokenSource {
  /** A bearer token for this audience, the called service; at once when one is at hand. */
  token(audience: string): string | Promise<string>
  /** Told that the called service does not take this token (RFC 6750 §3.1, `invalid_token`). */
  refused?(audience: string, token: string): void
  /** Proves that the tokens are this process's own, when they are bound to its key. */
  readonly prover?: Prover | undefined
  /** The public keys of a source that signs for itself. */
  readonly jwks?: { readonly keys: readonly JsonWebKey[] }
  close?(): void
}

/** What a source is given by the mesh that opens it. */
export interface TokenGround {
  /** This service's name. */
  readonly service: string
  readonly clock: Clock
  readonly random: Random
  /** To whose key the tokens are to be bound; undefined for a bearer's. */
  readonly prover?: Prover | undefined
  /** Tells the listeners what went wrong while the last good token goes on serving. */
  readonly tell: (error: Error) => void
  /** Told of each token that was made, and for which audience. */
  readonly renewed?: ((audience: string) => void) | undefined
}

/** A way to tokens, such as `fileToken()` or `selfSigned()`, that each mesh opens for itself. */
export interface TokenProvider {
  open(ground: TokenGround): TokenSource
}

/** A user's own way to tokens; it is asked for every attempt and keeps what it wants to keep. */
export type TokenFunction = TokenSource['token']

/** The token alphabet of RFC 6750 §2.1: nothing that could end a header field or begin another. */
export function isBearerToken(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9._~+/-]+=*$/.test(value)
}

/** A source that asks `token`, and takes nothing from it that is no bearer token. */
export function functionTokens(token: TokenFunction): TokenSource {
  return {
    token(audience) {
      const given = token(audience)
      return typeof given === 'string' ? checked(given) : Promise.resolve(given).then(checked)
    },
  }
}

function checked(token: unknown): string {
  if (isBearerToken(token)) return token
  throw new MeshError('MESH_ERR_IDENTITY', 'identity.token must give a bearer token (RFC 6750 §2.1) or a promise of one')
}
