import { CLIENT_ASSERTION_TYPE } from '../../auth/client-authentication.js'
import type { JsonWebKey } from '../../auth/json-web-key.js'
import { createFixedKeys, type Keys } from '../../auth/keys.js'
import { TokenError } from '../../auth/token-gate.js'
import { createVerifier } from '../../auth/verifier.js'
import type { Clock } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import type { Peer } from '../../call/inbound.js'
import { UsedOnce } from './used-once.js'

export interface JwkSet {
  readonly keys: readonly JsonWebKey[]
}

/** Another issuer, such as that of a Kubernetes cluster, whose tokens are exchanged for this one's. */
export interface TokenExchange {
  /** `iss` of its tokens. */
  readonly issuer: string
  readonly jwks: JwkSet
  /** Subject of each service there, such as `system:serviceaccount:shop:orders`. */
  readonly subjects: Readonly<Record<string, string>>
}

export interface JwtClientsOptions {
  /** Public keys of the clients that sign for themselves. */
  readonly clientKeys: Readonly<Record<string, JwkSet>>
  readonly tokenExchange: TokenExchange | undefined
  readonly clock: Clock
  readonly random: Random
}

type JwtCredentials = { readonly id: string; readonly assertion: string } | { readonly id: string; readonly subjectToken: string }

/** Knows clients by what they, or an issuer that is believed, have signed. */
export interface JwtClients {
  knows(id: string): boolean
  grant(credentials: JwtCredentials, issuer: string): Promise<number | undefined>
}

const MAX_ASSERTION_MS = 300_000
/** What Kubernetes projects lives an hour, and at most a day. */
const MAX_SUBJECT_TOKEN_MS = 86_400_000

export function createJwtClients({ clientKeys, tokenExchange, clock, random }: JwtClientsOptions): JwtClients {
  const keysOf = (jwks: JwkSet): Keys => createFixedKeys(jwks, { clock, random })
  const assertionKeys = new Map(Object.entries(clientKeys).map(([id, jwks]) => [id, keysOf(jwks)]))
  const exchangeKeys = tokenExchange && keysOf(tokenExchange.jwks)
  const used = new UsedOnce(clock)
  // Which assertions were used before this process began nobody knows, so none of that time counts. Their times are whole seconds.
  const beganAtSec = Math.floor(clock.epochMs() / 1000)

  const lifeOfAssertion = async (id: string, assertion: string, issuer: string): Promise<number | undefined> => {
    const keys = assertionKeys.get(id)
    if (keys === undefined) return undefined
    const types = [CLIENT_ASSERTION_TYPE, 'jwt', undefined]
    const verifier = createVerifier({ issuer: id, audience: issuer, keys, clock, types, maxLifetimeMs: MAX_ASSERTION_MS })
    const { principal, claims } = await verifier.verify(assertion)
    const { aud, jti, iat, exp } = claims
    // The leeway of the verifier, too: it takes an assertion for that much longer.
    if (principal !== id || typeof aud !== 'string' || typeof jti !== 'string' || jti.length > 256) return undefined
    if ((iat as number) < beganAtSec) return undefined
    return used.isFirst(`${id} ${jti}`, (exp as number) * 1000 + 60_000) ? Infinity : undefined
  }

  const lifeOfExchange = async (id: string, token: string, issuer: string): Promise<number | undefined> => {
    if (tokenExchange === undefined || exchangeKeys === undefined || !Object.hasOwn(tokenExchange.subjects, id)) return undefined
    const rules = { issuer: tokenExchange.issuer, keys: exchangeKeys, types: ['jwt', undefined], maxLifetimeMs: MAX_SUBJECT_TOKEN_MS }
    const { principal, claims }: Peer = await createVerifier({ audience: issuer, clock, ...rules }).verify(token)
    // Nobody gets a longer life by an exchange.
    return principal === tokenExchange.subjects[id] ? (claims['exp'] as number) * 1000 - clock.epochMs() : undefined
  }

  return {
    knows: (id) => assertionKeys.has(id) || (tokenExchange !== undefined && Object.hasOwn(tokenExchange.subjects, id)),
    async grant(credentials, issuer) {
      try {
        if ('assertion' in credentials) return await lifeOfAssertion(credentials.id, credentials.assertion, issuer)
        return await lifeOfExchange(credentials.id, credentials.subjectToken, issuer)
      } catch (error) {
        if (error instanceof TokenError) return undefined
        throw error
      }
    },
  }
}
