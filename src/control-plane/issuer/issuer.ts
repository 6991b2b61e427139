import { createSigner } from '../../auth/signer.js'
import type { Clock } from '../../base/clock.js'
import { json, type Refusal, type Answer } from '../http/answer.js'
import { refusedAs, type Exchange, type Route } from '../http/route.js'
import { createClients, type ClientsOptions } from './clients.js'
import { OAuthRefusal, readTokenRequest, unauthenticated } from './token-request.js'

export interface Issuer {
  /** Its routes, once it is known under which URL it speaks. */
  routes(issuer: string): readonly Route[]
}

const TOKEN_LIFETIME_MS = 5 * 60_000
const MAX_BODY_BYTES = 16 * 1024
const NO_STORE = { 'cache-control': 'no-store', pragma: 'no-cache' }

/**
 * The identity service: mints short-lived tokens, each for one caller and one called service, by OAuth's client
 * credentials grant (RFC 6749 §4.4), and publishes the key to verify them with (RFC 7517, RFC 8414).
 * Its tokens are JWT access tokens (RFC 9068). The key lives as long as the process.
 */
export async function createIssuer({ clock, ...options }: ClientsOptions & { readonly clock: Clock }): Promise<Issuer> {
  const clients = createClients(options)
  const signer = await createSigner({ clock })

  const mint = async (issuer: string, { headers, body }: Exchange): Promise<Answer> => {
    const { clientId, clientSecret, audience } = readTokenRequest(headers, await body(MAX_BODY_BYTES))
    if (!clients.knows(clientId, clientSecret)) throw unauthenticated('unknown client, or a wrong secret')
    const token = await signer.sign({ iss: issuer, sub: clientId, aud: audience, lifetimeMs: TOKEN_LIFETIME_MS })
    return json({ access_token: token, token_type: 'Bearer', expires_in: TOKEN_LIFETIME_MS / 1000 }, { headers: NO_STORE })
  }

  return {
    routes(issuer) {
      const document = json(metadata(issuer))
      const keys = json(signer.jwks, { headers: { 'content-type': 'application/jwk-set+json', 'cache-control': 'max-age=60' } })
      return [
        { methods: ['POST'], path: '/oauth2/token', handle: refusedAs(oauthError, (exchange) => mint(issuer, exchange)) },
        { methods: ['GET'], path: '/.well-known/openid-configuration', handle: () => document },
        { methods: ['GET'], path: '/.well-known/oauth-authorization-server', handle: () => document },
        { methods: ['GET'], path: '/.well-known/jwks.json', handle: () => keys },
      ]
    },
  }
}

function oauthError(refusal: Refusal): Answer {
  const error = refusal instanceof OAuthRefusal ? refusal.code : 'invalid_request'
  const { status, message, headers } = refusal
  return json({ error, error_description: message }, { status, headers: { ...headers, ...NO_STORE } })
}

function metadata(issuer: string): object {
  return {
    issuer,
    token_endpoint: `${issuer}/oauth2/token`,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  }
}
