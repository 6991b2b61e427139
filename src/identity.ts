import { byExchange, byKey, bySecret, type ClientAuthentication } from './auth/client-authentication.js'
import { createIssuerTokens } from './auth/issuer-tokens.js'
import { createIssuerKeys } from './auth/keys.js'
import { TokenFile } from './auth/token-file.js'
import { createProver } from './auth/prover.js'
import { functionTokens, type TokenGround, type TokenSource } from './auth/token-source.js'
import type { HttpClient } from './base/http.js'
import { optionError } from './base/validate.js'
import type { Events } from './call/events.js'
import type { IdentitySettings } from './identity-options.js'
import { openTrustedIssuer, type Trust } from './trusted-issuers.js'

/** Time for one request to the issuer. */
const ISSUER_TIMEOUT_MS = 5_000

export interface IdentityGround extends Omit<TokenGround, 'tell' | 'prover' | 'renewed'> {
  readonly events: Events
  readonly http: HttpClient
}

/** What a mesh signs and verifies with. */
export interface OpenIdentity {
  /** Undefined when its calls go out unsigned. */
  readonly tokens: TokenSource | undefined
  readonly trust: Trust
}

export function openIdentity(identity: IdentitySettings, { events, ...sources }: IdentityGround): OpenIdentity {
  const prover = identity.proof === true ? createProver(sources.clock) : undefined
  const ground = {
    ...sources,
    prover,
    tell: (error: Error) => events.emit('identityError', { error }),
    renewed: (audience: string) => events.emit('tokenRenewed', { audience }),
  }
  const { issuer, token } = identity
  const own = typeof token === 'function' ? functionTokens(token) : token?.open(ground)
  if (own !== undefined && own.prover !== prover) throw optionError('identity.proof', 'tokens of an issuer or of selfSigned(): no others can be bound', true)
  const trustedIssuers = (identity.issuers ?? []).map((one) => openTrustedIssuer(one, { ...sources, events, timeoutMs: ISSUER_TIMEOUT_MS }))
  if (issuer === undefined) return { tokens: own, trust: { verification: undefined, trustedIssuers } }
  const access = { ...ground, issuer, timeoutMs: ISSUER_TIMEOUT_MS }
  const authentication = authenticationOf(identity, issuer, ground)
  return {
    tokens: own ?? (authentication && createIssuerTokens({ ...access, authentication, tokenEndpoint: undefined })),
    trust: {
      verification: { issuer, keys: createIssuerKeys({ ...access, jwksUrl: undefined }), trustDomain: identity.trustDomain },
      trustedIssuers,
    },
  }
}

function authenticationOf(identity: IdentitySettings, issuer: string, ground: TokenGround): ClientAuthentication | undefined {
  const { clientSecret, clientKey, clientTokenFile: path } = identity
  if (clientSecret !== undefined) return bySecret(ground.service, clientSecret)
  if (clientKey !== undefined) return byKey(ground.service, clientKey, issuer, ground.clock)
  return path === undefined ? undefined : byExchange(ground.service, new TokenFile({ path, audience: issuer, ...ground }))
}
