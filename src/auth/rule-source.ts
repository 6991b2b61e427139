import { optionError, type Reader } from '../base/validate.js'
import type { Peer } from '../call/inbound.js'
import { anyOf, everyField, filled, of, withNegations, type Matcher, type RequestMatcher } from './matcher.js'
import { present, textPatterns } from './text-pattern.js'

/** A caller: every field that is given must match. Texts may be `abc`, `abc*`, `*abc` or `*`. */
export interface AccessSource {
  /** Names of calling services. */
  readonly services?: readonly string[] | undefined
  readonly notServices?: readonly string[] | undefined
  /** Subjects of tokens, letter for letter, such as `spiffe://mesh.test/ns/shop/sa/orders`. */
  readonly principals?: readonly string[] | undefined
  readonly notPrincipals?: readonly string[] | undefined
  /** Namespaces of Kubernetes, as principals of the forms `spiffe://…/ns/shop/sa/…` and `system:serviceaccount:shop:…` name them. */
  readonly namespaces?: readonly string[] | undefined
  readonly notNamespaces?: readonly string[] | undefined
  /** Trust domains of SPIFFE IDs. */
  readonly trustDomains?: readonly string[] | undefined
  readonly notTrustDomains?: readonly string[] | undefined
  /** Issuers of tokens, letter for letter. */
  readonly issuers?: readonly string[] | undefined
  readonly notIssuers?: readonly string[] | undefined
}

const texts =
  (found: (peer: Peer) => string | undefined): Reader<RequestMatcher> =>
  (value, path) =>
    of(({ peer }) => found(peer), present(textPatterns(value, path)))

const accessSource = everyField(
  withNegations({
    services: texts(({ service }) => service),
    principals: texts(({ principal }) => principal),
    namespaces: texts(namespaceOf),
    trustDomains: texts(trustDomainOf),
    issuers: texts(({ issuer }) => issuer),
  }),
)

function namespaceOf({ principal }: Peer): string | undefined {
  const [, spiffe, kubernetes] = /^(?:spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\/[^/]+|system:serviceaccount:([^:]+):[^:]+)$/.exec(principal) ?? []
  return spiffe ?? kubernetes
}

function trustDomainOf({ principal }: Peer): string | undefined {
  return /^spiffe:\/\/([^/]+)(?:\/|$)/.exec(principal)?.[1]
}

const named: Reader<string> = (value, path) => {
  if (typeof value === 'string' && value.length > 0 && (value === '*' || !value.includes('*'))) return value
  throw optionError(path, "the name of a service, a principal, or '*' alone, or an object of sources", value)
}

const caller: Reader<string | RequestMatcher> = (value, path) =>
  typeof value === 'object' && value !== null ? accessSource(value, path) : named(value, path)

const callers = filled(caller)

/** The list `from` of a rule: one of its callers must match. */
export const ruleFrom: Reader<RequestMatcher> = (value, path) => {
  const all = callers(value, path)
  const names = new Set(all.filter((one) => typeof one === 'string'))
  const sources = all.filter((one) => typeof one !== 'string')
  const byName: Matcher<Peer> = ({ service, principal }) => names.has('*') || names.has(service) || names.has(principal)
  return anyOf([...(names.size === 0 ? [] : [of(({ peer }: { peer: Peer }) => peer, byName)]), ...sources])
}
