import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import type { ClientAuthentication } from './client-authentication.js'
import { discoverEndpoint, jsonObject, MAX_ISSUER_BYTES, type IssuerAccess } from './discovery.js'
import { renewedTokens, type FreshToken } from './renewed-tokens.js'
import { PROOF_HEADER, type Prover } from './prover.js'
import { isBearerToken, type TokenSource } from './token-source.js'

export interface IssuerTokensOptions extends IssuerAccess {
  /** How this service shows who it is. */
  readonly authentication: ClientAuthentication
  /** Undefined: the one that the issuer's discovery document names. */
  readonly tokenEndpoint: string | undefined
  /** To whose key the tokens are to be bound (RFC 9449 §5); undefined for a bearer's. */
  readonly prover?: Prover | undefined
  readonly clock: Clock
  readonly random: Random
  /** Told of each token that was had. */
  readonly renewed?: ((audience: string) => void) | undefined
}

/** Tokens from an OAuth 2.0 issuer, one for each audience, renewed ahead of their expiry by the calls that use them. */
export function createIssuerTokens(options: IssuerTokensOptions): TokenSource {
  let endpoint = options.tokenEndpoint
  const mint = async (audience: string): Promise<FreshToken> => {
    try {
      endpoint ??= await discoverEndpoint(options, 'token_endpoint')
      return await requestToken(options, endpoint, audience)
    } catch (cause) {
      endpoint = options.tokenEndpoint
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new MeshError('MESH_ERR_IDENTITY', `No token for the audience '${audience}' from ${options.issuer}: ${reason}`, {
        cause,
      })
    }
  }
  return { ...renewedTokens({ ...options, mint }), prover: options.prover }
}

async function requestToken({ http, timeoutMs, authentication, prover }: IssuerTokensOptions, url: string, audience: string): Promise<FreshToken> {
  const { headers, form } = await authentication()
  const proof = prover === undefined ? undefined : { [PROOF_HEADER]: prover.prove({ method: 'POST', url }) }
  const answer = await http.request({
    method: 'POST',
    url,
    timeoutMs,
    maxBytes: MAX_ISSUER_BYTES,
    headers: { accept: 'application/json', ...headers, ...proof, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ ...form, audience }).toString(),
  })
  const { access_token: token, token_type: type, expires_in: lifetimeSeconds, error } = jsonObject(url, answer.body)
  if (answer.status !== 200) {
    // `error` is one of a few known words (RFC 6749 §5.2); anything else is not repeated.
    const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''
    throw new Error(`the token endpoint answered ${answer.status}${word}`)
  }
  const wanted = prover === undefined ? 'bearer' : 'dpop'
  if (!isBearerToken(token) || typeof type !== 'string') throw new Error('the token endpoint gave no bearer token')
  // One that is bound to nothing would be shown as if it were, and be refused where it is looked at.
  if (type.toLowerCase() !== wanted) throw new Error(`the token endpoint gave no token of the type ${wanted}`)
  if (typeof lifetimeSeconds !== 'number' || !(lifetimeSeconds > 0)) throw new Error('the token endpoint gave no expires_in')
  return { token, lifetimeMs: lifetimeSeconds * 1000 }
}
