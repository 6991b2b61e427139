import { readFile } from 'node:fs/promises'
import { foreignTokens } from './auth/foreign-tokens.js'
import { createFixedKeys, createIssuerKeys, type Keys } from './auth/keys.js'
import { serviceAccounts } from './auth/service-accounts.js'
import { serviceTokens, svids, type TokenProfile } from './auth/token-profile.js'
import { isBearerToken } from './auth/token-source.js'
import { DEFAULT_LEEWAY_MS, type IssuerRules } from './auth/verifier.js'
import type { Clock } from './base/clock.js'
import { createHttpClient, type HttpClient } from './base/http.js'
import type { Random } from './base/random.js'
import { optionError } from './base/validate.js'
import type { Events } from './call/events.js'
import type { TrustedIssuerSettings } from './trusted-issuer-options.js'

/** An issuer that is trusted, and what of its tokens does not depend on who asks. */
export interface TrustedIssuer {
  readonly issuer: string
  readonly keys: Keys
  readonly profile: TokenProfile
  /** Undefined: that of the inbound middleware. */
  readonly audience?: string | undefined
  /** Undefined: that of the inbound middleware, or of the profile. */
  readonly maxLifetimeMs?: number | undefined
}

/** Whose tokens are believed. */
export interface Trust {
  /** The mesh's own issuer; undefined without one. */
  readonly verification: { readonly issuer: string; readonly keys: Keys; readonly trustDomain?: string | undefined } | undefined
  readonly trustedIssuers?: readonly TrustedIssuer[]
}

/** What an edge demands of tokens. */
export interface EdgeRules {
  readonly audience: string
  readonly leewayMs?: number
  readonly maxLifetimeMs?: number
}

export interface TrustedIssuerGround {
  readonly http: HttpClient
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly timeoutMs: number
}

/** Opens an issuer that the options name. Its keys are fetched when the first token of it comes. */
export function openTrustedIssuer(settings: TrustedIssuerSettings, ground: TrustedIssuerGround): TrustedIssuer {
  const { issuer, audience, maxLifetimeMs } = settings
  return { issuer, keys: keysOf(settings, ground), profile: profileOf(settings), audience, maxLifetimeMs }
}

function keysOf({ issuer, jwks, jwksUrl, jwksTokenFile, ca }: TrustedIssuerSettings, ground: TrustedIssuerGround): Keys {
  if (jwks !== undefined) return createFixedKeys(jwks, ground)
  const bearer = jwksTokenFile === undefined ? undefined : () => tokenIn(jwksTokenFile)
  return createIssuerKeys({ ...ground, issuer, jwksUrl, bearer, http: ca === undefined ? ground.http : clientTrusting(ca, ground) })
}

function clientTrusting(ca: string, { clock, events }: TrustedIssuerGround): HttpClient {
  const http = createHttpClient(clock, { ca }, 'services')
  events.on('closed', () => void http.close())
  return http
}

async function tokenIn(path: string): Promise<string> {
  const token = (await readFile(path, 'utf8')).trim()
  // What it holds is not repeated.
  if (!isBearerToken(token)) throw new Error(`${path} holds no bearer token`)
  return token
}

function profileOf({ issuer, profile, services = {}, namespaces, trustDomain, principalClaim = 'sub', typ = 'at+jwt' }: TrustedIssuerSettings): TokenProfile {
  if (profile === 'kubernetes') return serviceAccounts({ namespaces, services })
  if (profile === 'jwt-svid') return svids(trustDomain!, services)
  return foreignTokens({ issuer, typ, principalClaim, services })
}

/** What is believed at an edge, of each issuer. Throws `MESH_ERR_OPTION` when there is none: whom nobody vouches for could only be refused. */
export function issuerRules({ verification, trustedIssuers = [] }: Trust, edge: EdgeRules): readonly IssuerRules[] {
  const own = verification === undefined ? [] : [{ ...verification, profile: ownProfile(verification) }]
  const all = [...own, ...trustedIssuers]
  if (all.length === 0) throw optionError('identity.issuer', 'the issuer whose tokens callers must bring', undefined)
  return all.map((one) => rulesAt(edge, one))
}

function ownProfile({ trustDomain }: { readonly trustDomain?: string | undefined }): TokenProfile {
  return trustDomain === undefined ? serviceTokens : svids(trustDomain)
}

/** The issuer's own rules first, then those of the edge, then those of the kind of token. */
function rulesAt(edge: EdgeRules, { issuer, keys, profile, audience, maxLifetimeMs }: TrustedIssuer): IssuerRules {
  return {
    issuer,
    keys,
    profile,
    audience: audience ?? edge.audience,
    leewayMs: edge.leewayMs ?? DEFAULT_LEEWAY_MS,
    maxLifetimeMs: maxLifetimeMs ?? edge.maxLifetimeMs ?? profile.maxLifetimeMs,
  }
}
