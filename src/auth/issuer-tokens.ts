import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import { discoverEndpoint, jsonObject, MAX_ISSUER_BYTES, type IssuerAccess } from './discovery.js'
import { Refresh } from './refresh.js'
import { isBearerToken, type TokenSource } from './token-source.js'

export interface IssuerTokensOptions extends IssuerAccess {
  /** This service's name, which is its client id too. */
  readonly service: string
  readonly clientSecret: string
  /** Undefined: the one that the issuer's discovery document names. */
  readonly tokenEndpoint: string | undefined
  readonly clock: Clock
  readonly random: Random
}

interface HeldToken {
  readonly token: string
  /** From here on a new one is fetched while this one serves. */
  readonly renewAt: number
  /** From here on this one serves no more. */
  readonly staleAt: number
}

/** A token counts as expired this long before it is, so that it does not expire on its way (gRPC A97). */
const EARLY_MS = 30_000
/** And is renewed this long before that. */
const AHEAD_MS = 60_000

/**
 * Tokens from an OAuth 2.0 issuer by the client credentials grant (RFC 6749 §4.4), one for each audience. Each is
 * fetched when first asked for, and renewed ahead of its expiry by the calls that use it: an idle service fetches nothing.
 */
export function createIssuerTokens(options: IssuerTokensOptions): TokenSource {
  const held = new Map<string, HeldToken>()
  const refreshes = new Map<string, Refresh<string>>()
  let endpoint = options.tokenEndpoint

  const mint = async (audience: string): Promise<string> => {
    // Taken before the request: a slow answer must not make the token look younger than it is.
    const askedAt = options.clock.now()
    try {
      endpoint ??= await discoverEndpoint(options, 'token_endpoint')
      const { token, lifetimeMs } = await requestToken(options, endpoint, audience)
      const staleAt = askedAt + lifetimeMs - Math.min(EARLY_MS, lifetimeMs / 4)
      held.set(audience, { token, staleAt, renewAt: staleAt - Math.min(AHEAD_MS, lifetimeMs / 4) })
      return token
    } catch (cause) {
      endpoint = options.tokenEndpoint
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new MeshError('MESH_ERR_IDENTITY', `No token for the audience '${audience}' from ${options.issuer}: ${reason}`, {
        cause,
      })
    }
  }

  const refreshOf = (audience: string): Refresh<string> => {
    const known = refreshes.get(audience)
    if (known !== undefined) return known
    const refresh = new Refresh(() => mint(audience), options)
    refreshes.set(audience, refresh)
    return refresh
  }

  return {
    token(audience) {
      const current = held.get(audience)
      const now = options.clock.now()
      if (current === undefined || now >= current.staleAt) return refreshOf(audience).run()
      if (now >= current.renewAt) refreshOf(audience).runInBackground()
      return current.token
    },
  }
}

async function requestToken(
  { http, timeoutMs, service, clientSecret }: IssuerTokensOptions,
  url: string,
  audience: string,
): Promise<{ token: string; lifetimeMs: number }> {
  const answer = await http.request({
    method: 'POST',
    url,
    timeoutMs,
    maxBytes: MAX_ISSUER_BYTES,
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(`${formEncoded(service)}:${formEncoded(clientSecret)}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', audience }).toString(),
  })
  const { access_token: token, token_type: type, expires_in: lifetimeSeconds, error } = jsonObject(url, answer.body)
  if (answer.status !== 200) {
    // `error` is one of a few known words (RFC 6749 §5.2); anything else is not repeated.
    const word = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : ''
    throw new Error(`the token endpoint answered ${answer.status}${word}`)
  }
  if (!isBearerToken(token) || typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    throw new Error('the token endpoint gave no bearer token')
  }
  if (typeof lifetimeSeconds !== 'number' || !(lifetimeSeconds > 0)) throw new Error('the token endpoint gave no expires_in')
  return { token, lifetimeMs: lifetimeSeconds * 1000 }
}

/** Client id and secret are form-encoded before they become user and password (RFC 6749 §2.3.1). */
function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice('v='.length)
}
