import { ACCESS_TOKEN, TOKEN_EXCHANGE } from '../../auth/client-authentication.js'
import { json, type Refusal, type Answer } from '../http/answer.js'
import { refusedAs, type Exchange, type Route } from '../http/route.js'
import { BoundKeys } from './bound-key.js'
import { createClients, type ClientsOptions } from './clients.js'
import type { IssuerKeys } from './issuer-keys.js'
import { createJwtClients, type JwtClientsOptions } from './jwt-clients.js'
import { OAuthRefusal, readTokenRequest, unauthenticated } from './token-request.js'

export interface Issuer {
  /** Its routes, once it is known under which URL it speaks. */
  routes(issuer: string): readonly Route[]
}

export interface IssuerOptions extends Omit<ClientsOptions, 'jwtClients'>, JwtClientsOptions {
  /** Which services each client may call; those that are not listed, any. */
  readonly audiences: Readonly<Record<string, readonly string[]>>
  /** What it signs with. */
  readonly keys: IssuerKeys
}

const TOKEN_LIFETIME_MS = 5 * 60_000
const MAX_BODY_BYTES = 16 * 1024
const JWKS_HEADERS = { 'content-type': 'application/jwk-set+json', 'cache-control': 'max-age=60' }
const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' }

/**
 * The identity service: mints short-lived tokens, each for one caller and one called service, by OAuth's client
 * credentials grant (RFC 6749 §4.4) or an exchange (RFC 8693), and publishes the keys to verify them with (RFC 7517, RFC 8414).
 * Its tokens are JWT access tokens (RFC 9068).
 */
export function createIssuer(options: IssuerOptions): Issuer {
  const clients = createClients({ ...options, jwtClients: createJwtClients(options) })
  const { keys } = options
  const boundKeys = new BoundKeys(options.clock)

  const mint = async (issuer: string, { headers, body }: Exchange): Promise<Answer> => {
    const { credentials, audience } = readTokenRequest(headers, await body(MAX_BODY_BYTES))
    const { id } = credentials
    const allowedMs = await clients.grant(credentials, issuer)
    const lifetimeMs = Math.min(TOKEN_LIFETIME_MS, Math.floor((allowedMs ?? 0) / 1000) * 1000)
    if (lifetimeMs < 1000) throw unauthenticated('unknown client, or not the secret or the signature that it has')
    if (Object.hasOwn(options.audiences, id) && !options.audiences[id]!.includes(audience)) {
      throw new OAuthRefusal('invalid_target', 'this client may not call that service')
    }
    const binding = boundKeys.of(headers, tokenEndpoint(issuer))
    const token = await keys.signer.sign({ iss: issuer, sub: id, aud: audience, ...binding, lifetimeMs })
    const kind = 'subjectToken' in credentials ? { issued_token_type: ACCESS_TOKEN } : {}
    return json({ access_token: token, ...kind, token_type: binding.cnf === undefined ? 'Bearer' : 'DPoP', expires_in: lifetimeMs / 1000 }, { headers: NO_STORE })
  }

  return {
    routes(issuer) {
      const document = json(metadata(issuer))
      const jwks = (): Answer => json(keys.jwks, { headers: JWKS_HEADERS })
      return [
        { methods: ['POST'], path: '/oauth2/token', handle: refusedAs(oauthError, (exchange) => mint(issuer, exchange)) },
        { methods: ['GET'], path: '/.well-known/openid-configuration', handle: () => document },
        { methods: ['GET'], path: '/.well-known/oauth-authorization-server', handle: () => document },
        { methods: ['GET'], path: '/.well-known/jwks.json', handle: jwks },
      ]
    },
  }
}

function oauthError(refusal: Refusal): Answer {
  const error = refusal instanceof OAuthRefusal ? refusal.code : 'invalid_request'
  const { status, message, headers } = refusal
  return json({ error, error_description: message }, { status, headers: { ...headers, ...NO_STORE } })
}

const tokenEndpoint = (issuer: string): string => `${issuer}/oauth2/token`

function metadata(issuer: string): object {
  return {
    issuer,
    token_endpoint: tokenEndpoint(issuer),
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    grant_types_supported: ['client_credentials', TOKEN_EXCHANGE],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES256'],
    dpop_signing_alg_values_supported: ['ES256'],
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  }
}
