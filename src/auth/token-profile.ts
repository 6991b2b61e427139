import type { Peer } from '../call/inbound.js'
import { SERVICE_TOKEN_TYPE } from './signer.js'
import { parseSpiffeId } from './spiffe-id.js'
import { TokenError } from './token-gate.js'

/** Claims of a token. What is read of them must be their own, since a name such as `constructor` may be configured. */
export type Claims = Readonly<Record<string, unknown>>

/** Who a token speaks for. */
export type Caller = Pick<Peer, 'service' | 'principal'>

/** A kind of token: what it must look like, and who it speaks for. One issuer gives one kind. */
export interface TokenProfile {
  /** What `typ` may say, lower-case and without `application/`; undefined for a token that has none. */
  readonly types: readonly (string | undefined)[]
  /** Algorithms that this kind must not have. */
  readonly notAlgorithms: readonly string[]
  /** Claims of every token that this kind may leave out. */
  readonly optional: readonly ('iss' | 'iat')[]
  /** Longest life that a token may be given, unless configured. */
  readonly maxLifetimeMs: number
  /** Whether a token that names no issuer is of this one. */
  readonly isOwn: (claims: Claims) => boolean
  /** Who a token speaks for whose signature is good. Throws {@link TokenError}. */
  readonly callerOf: (claims: Claims) => Caller
}

const HOUR_MS = 3_600_000
const MAX_SUBJECT_LENGTH = 256
/** A SPIFFE ID may be longer; one that long is no name for a log. */
const MAX_SPIFFE_ID_LENGTH = 512

/** The mesh's own service tokens: OAuth access tokens (RFC 9068) whose subject is the name of a service. */
export const serviceTokens: TokenProfile = Object.freeze({
  types: [SERVICE_TOKEN_TYPE],
  notAlgorithms: [],
  optional: [],
  maxLifetimeMs: HOUR_MS,
  isOwn: () => false,
  callerOf({ sub }) {
    const subject = shortText(sub, 'sub')
    return { service: subject, principal: subject }
  },
} satisfies TokenProfile)

/** JWT-SVIDs of the workloads of one trust domain, and of no other (JWT-SVID §2 and §3). `services`: name of a service → its SPIFFE ID. */
export function svids(trustDomain: string, services: Readonly<Record<string, string>> = {}): TokenProfile {
  const serviceOf = servicesBySubject(services)
  const domainOf = (sub: unknown): string | undefined => (typeof sub === 'string' ? parseSpiffeId(sub)?.trustDomain : undefined)
  return {
    types: ['jwt', 'jose', undefined],
    notAlgorithms: ['EdDSA', 'Ed25519'],
    optional: ['iss', 'iat'],
    maxLifetimeMs: HOUR_MS,
    isOwn: ({ sub }) => domainOf(sub) === trustDomain,
    callerOf({ sub }) {
      const subject = shortText(sub, 'sub', MAX_SPIFFE_ID_LENGTH)
      const id = parseSpiffeId(subject)
      if (id === undefined || id.path === '') throw new TokenError('its sub is not the SPIFFE ID of a workload')
      // The keys of a trust domain speak for its own workloads only.
      if (id.trustDomain !== trustDomain) throw new TokenError('its sub is of another trust domain')
      return { service: serviceOf.get(subject) ?? subject, principal: subject }
    },
  }
}

/** Subject → service. */
export function servicesBySubject(services: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(services).map(([service, subject]) => [subject, service]))
}

/** A claim that is a name. */
export function shortText(value: unknown, name: string, maxLength = MAX_SUBJECT_LENGTH): string {
  if (typeof value === 'string' && value !== '' && value.length <= maxLength) return value
  throw new TokenError(`its ${name} is not a short string`)
}
