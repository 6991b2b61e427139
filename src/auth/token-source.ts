import { MeshError } from '../base/errors.js'

/** Where the tokens of outbound calls come from. */
export interface TokenSource {
  /** A bearer token for this audience, the called service; at once when one is at hand. */
  token(audience: string): string | Promise<string>
  close?(): void
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
