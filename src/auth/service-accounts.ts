import { TokenError } from './token-gate.js'
import { servicesBySubject, shortText, type TokenProfile } from './token-profile.js'

export interface ServiceAccounts {
  /** Namespaces whose accounts are taken; undefined for all. */
  readonly namespaces: readonly string[] | undefined
  /** Service → subject, such as `system:serviceaccount:shop:orders`. */
  readonly services: Readonly<Record<string, string>>
}

/** Namespaces are DNS labels, names of accounts DNS subdomains (RFC 1123). */
const SUBJECT = /^system:serviceaccount:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/
const MAX_SUBJECT_LENGTH = 'system:serviceaccount::'.length + 63 + 253
/** A projected token lives an hour unless the pod asks for another time, and at most a day here. */
const MAX_LIFETIME_MS = 86_400_000

/**
 * Tokens of Kubernetes service accounts, bound to an audience
 * ({@link https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens}). A caller's
 * principal is its subject, `system:serviceaccount:<namespace>:<name>`; its service is what `services` says, and else the principal.
 */
export function serviceAccounts({ namespaces, services }: ServiceAccounts): TokenProfile {
  const serviceOf = servicesBySubject(services)
  return {
    types: ['jwt', undefined],
    notAlgorithms: [],
    optional: [],
    maxLifetimeMs: MAX_LIFETIME_MS,
    isOwn: () => false,
    callerOf(claims) {
      const principal = shortText(claims['sub'], 'sub', MAX_SUBJECT_LENGTH)
      const [, namespace, name] = SUBJECT.exec(principal) ?? []
      if (namespace === undefined) throw new TokenError('its sub is not a service account')
      const bound = memberOf(claims, 'kubernetes.io')
      // The same twice over; a token in which they differ was not written by Kubernetes.
      if (memberOf(bound, 'namespace') !== namespace || memberOf(memberOf(bound, 'serviceaccount'), 'name') !== name) {
        throw new TokenError("its 'kubernetes.io' claim is not of the account that its sub names")
      }
      if (namespaces?.includes(namespace) === false) throw new TokenError('its namespace is not one that is taken from its issuer')
      return { service: serviceOf.get(principal) ?? principal, principal }
    },
  }
}

function memberOf(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  return isObject ? (value as Record<string, unknown>)[name] : undefined
}
