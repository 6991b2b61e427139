import { compactVerify } from 'jose'
import type { Clock } from '../base/clock.js'
import type { Peer } from '../call/inbound.js'
import { checkClaims, type ClaimRules } from './claims.js'
import type { VerificationKey } from './key-set.js'
import type { Keys } from './keys.js'
import { decodePart, jsonObjectOf, readTokenHeader, TokenError, type TokenHeader } from './token-gate.js'
import { TokenMemory } from './token-memory.js'
import { serviceTokens, svids, type TokenProfile } from './token-profile.js'

/** What is believed of one issuer: tokens of one kind, for one audience, signed with one of its own keys. */
export interface IssuerRules extends ClaimRules {
  readonly keys: Keys
}

export interface VerifierOptions extends Omit<IssuerRules, 'profile' | 'leewayMs' | 'maxLifetimeMs'> {
  readonly clock: Clock
  /** Default half a minute between two clocks. */
  readonly leewayMs?: number
  /** Default an hour for a token that was meant to live minutes. */
  readonly maxLifetimeMs?: number
  /** What `typ` may say, lower-case and without `application/`, undefined for a token that has none; default that of service tokens. */
  readonly types?: readonly (string | undefined)[]
  /** The one trust domain whose JWT-SVIDs are taken, and nothing else is then; undefined for tokens of other kinds. */
  readonly trustDomain?: string | undefined
}

export const DEFAULT_LEEWAY_MS = 30_000

/** Tells who a token speaks for. */
export interface Verifier {
  /**
   * The peer, at once when the token was found good before. Rejects with {@link TokenError} when the token is
   * not good, and with `MESH_ERR_KEYS` when the issuer's keys cannot be had.
   */
  verify(token: string): Peer | Promise<Peer>
}

/** A verifier of tokens of one issuer for one audience (RFC 8725); of service tokens, OAuth access tokens, unless told otherwise (RFC 9068 §4). */
export function createVerifier({ clock, types, trustDomain, ...issuer }: VerifierOptions): Verifier {
  const kind = trustDomain === undefined ? serviceTokens : svids(trustDomain)
  const profile: TokenProfile = types === undefined ? kind : { ...kind, types }
  return verifierOf([{ leewayMs: DEFAULT_LEEWAY_MS, maxLifetimeMs: profile.maxLifetimeMs, profile, ...issuer }], clock)
}

/** A verifier of tokens of several issuers, each of which is held to its own rules and its own keys. */
export function verifierOf(issuers: readonly IssuerRules[], clock: Clock): Verifier {
  const memory = new TokenMemory()
  return {
    verify(token) {
      const id = TokenMemory.idOf(token)
      const verified = memory.find(id)
      if (verified !== undefined && verified.expiresAt > clock.epochMs()) {
        // Asked each time: a key that was withdrawn takes its tokens with it, and a set too old is fetched anew.
        if (verified.keys.find(verified.key.kid) === verified.key) return verified.peer
      }
      memory.forget(id)
      return verifyAnew(token, id, issuers, memory, clock)
    },
  }
}

async function verifyAnew(token: string, id: string, issuers: readonly IssuerRules[], memory: TokenMemory, clock: Clock): Promise<Peer> {
  const header = readTokenHeader(token)
  const rules = issuers.length === 1 ? issuers[0]! : rulesFor(token, issuers)
  const { profile, keys } = rules
  if (!profile.types.includes(shortType(header.typ))) throw new TokenError(`its typ is not '${profile.types[0]}'`)
  if (profile.notAlgorithms.includes(header.alg)) throw new TokenError('its algorithm is not one of its kind of token')
  const key = await keys.find(header.kid)
  if (key === undefined) throw new TokenError('its key is not one of the issuer')
  const payload = await verifySignature(token, header, key)
  const { peer, expiresAt } = checkClaims(jsonObjectOf(payload, 'payload'), rules, clock.epochMs())
  memory.keep(id, { peer, key, keys, expiresAt })
  return peer
}

/** Whose token it says that it is. Nothing of that is believed: the rules and the keys of that one issuer are what it must pass. */
function rulesFor(token: string, issuers: readonly IssuerRules[]): IssuerRules {
  const claims = jsonObjectOf(decodePart(token.split('.')[1]!), 'payload')
  const { iss } = claims
  const rules = issuers.find(({ issuer, profile }) => (iss === undefined ? profile.isOwn(claims) : issuer === iss))
  if (rules === undefined) throw new TokenError('it is of another issuer')
  return rules
}

/** Media types are compared without case, and `application/` may be left out (RFC 7515 §4.1.9). */
function shortType(typ: string | undefined): string | undefined {
  return typ?.toLowerCase().replace(/^application\//, '')
}

/** The payload of a token that has passed the gate and that this key signed. */
export async function verifySignature(token: string, header: TokenHeader, key: VerificationKey): Promise<Uint8Array> {
  if (!key.algorithms.includes(header.alg)) throw new TokenError('its algorithm is not the one of its key')
  try {
    return (await compactVerify(token, key.key, { algorithms: [header.alg] })).payload
  } catch {
    throw new TokenError('its signature is not good')
  }
}
