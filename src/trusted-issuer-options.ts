import { readFileSync } from 'node:fs'
import type { JsonWebKey } from './auth/json-web-key.js'
import { parseSpiffeId } from './auth/spiffe-id.js'
import { MeshError } from './base/errors.js'
import { fields, httpUrl, listOf, mapOf, member, oneOf, optionError, positiveMs, required, serviceName, text, type Reader } from './base/validate.js'
import { namespaceName } from './discovery/kubernetes-cluster.js'

/** An issuer besides the mesh's own whose tokens callers may bring. */
export interface TrustedIssuerOptions {
  /** `iss` of its tokens, letter for letter. */
  readonly issuer: string
  /** The one kind of token that is taken from it. */
  readonly profile: 'access-token' | 'kubernetes' | 'jwt-svid'
  /** What its tokens must be meant for. Default: the `audience` of the inbound middleware, which is this service's name. */
  readonly audience?: string | undefined
  /** Where its keys are. Default: where its discovery document says, on its own origin. */
  readonly jwksUrl?: string | undefined
  /** File with a bearer token to show at `jwksUrl`, read whenever keys are fetched; for `https:`, or this machine. */
  readonly jwksTokenFile?: string | undefined
  /** File with the authorities, as PEM, that the server of the keys is trusted by. Default: those of Node. */
  readonly caFile?: string | undefined
  /** Its public keys, where they are known beforehand and never fetched. */
  readonly jwks?: { readonly keys: readonly JsonWebKey[] } | undefined
  /** Longest life of its tokens. Default: that of the inbound middleware; without one an hour, for `kubernetes` a day. */
  readonly maxLifetimeMs?: number | undefined
  /** Which of its subjects are services of this mesh: name of the service → subject. Default: none; a caller is then known by its principal alone. */
  readonly services?: Readonly<Record<string, string>> | undefined
  /** For `access-token`: the claim that says who calls. Default `sub`. */
  readonly principalClaim?: string | undefined
  /** For `access-token`: what `typ` says. With `'JWT'`, `audience` must be given, since it alone tells access tokens from others. Default `at+jwt`. */
  readonly typ?: 'at+jwt' | 'JWT' | undefined
  /** For `kubernetes`: the namespaces whose accounts are taken. Default: all; required where two clusters are trusted. */
  readonly namespaces?: readonly string[] | undefined
  /** For `jwt-svid`: the trust domain. */
  readonly trustDomain?: string | undefined
}

/** {@link TrustedIssuerOptions} as they were read. */
export interface TrustedIssuerSettings extends Omit<TrustedIssuerOptions, 'caFile'> {
  /** PEM text. */
  readonly ca?: string | undefined
}

/** Fields that mean something for one kind of token alone. */
const OWN_FIELDS = {
  'access-token': ['principalClaim', 'typ'],
  kubernetes: ['namespaces'],
  'jwt-svid': ['trustDomain'],
} as const

export const trustDomainName: Reader<string> = (value, path) => {
  if (typeof value === 'string' && parseSpiffeId(`spiffe://${value}`)?.path === '') return value
  throw optionError(path, 'the name of a SPIFFE trust domain, such as example.org', value)
}

const jwkSet: Reader<{ readonly keys: readonly JsonWebKey[] }> = (value, path) => {
  if (Array.isArray((value as { keys?: unknown } | null)?.keys)) return value as { keys: JsonWebKey[] }
  throw optionError(path, 'a JWK set: { keys: [...] }', value)
}

const namespaces: Reader<readonly string[]> = (value, path) => {
  const names = listOf(namespaceName)(value, path)
  if (names.length === 0) throw optionError(path, 'a list of at least one', value)
  return names
}

/** The path stands for what it holds from here on. */
const pemFile: Reader<string> = (value, path) => {
  const file = text(value, path)
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new MeshError('MESH_ERR_OPTION', `${path}: ${(cause as Error).message}`, { cause })
  }
}

const readFields = fields<TrustedIssuerOptions>({
  issuer: text,
  profile: oneOf('access-token', 'kubernetes', 'jwt-svid'),
  audience: text,
  jwksUrl: httpUrl,
  jwksTokenFile: text,
  caFile: pemFile,
  jwks: jwkSet,
  maxLifetimeMs: positiveMs,
  services: mapOf(serviceName, text),
  principalClaim: text,
  typ: oneOf('at+jwt', 'JWT'),
  namespaces,
  trustDomain: trustDomainName,
})

const trustedIssuer: Reader<TrustedIssuerSettings> = (value, path) => {
  const { caFile: ca, ...given } = readFields(value, path)
  const at = (name: string): string => member(path, name)
  const issuer = required(given.issuer, at('issuer'), 'iss of its tokens')
  const profile = required(given.profile, at('profile'), 'the kind of its tokens')
  for (const [kind, names] of Object.entries(OWN_FIELDS)) {
    const foreign = names.find((name) => kind !== profile && given[name as keyof typeof given] !== undefined)
    if (foreign !== undefined) throw optionError(at(foreign), `none, since it is for the profile ${kind}`, given[foreign as keyof typeof given])
  }
  checkKeys(given, ca, at)
  checkSubjects(given, at)
  // A principal is <issuer>#<claim>: with one more '#' it could be read in two ways.
  if (profile === 'access-token' && issuer.includes('#')) throw optionError(at('issuer'), "an issuer without '#'", issuer)
  if (profile === 'jwt-svid') required(given.trustDomain, at('trustDomain'), 'the trust domain that its keys speak for')
  if (given.typ === 'JWT') required(given.audience, at('audience'), "what its access tokens are meant for, since 'JWT' may be any token")
  return { ...given, issuer, profile, ca }
}

function checkKeys({ issuer, jwksUrl, jwksTokenFile, jwks }: Partial<TrustedIssuerOptions>, ca: string | undefined, at: (name: string) => string): void {
  if (jwks !== undefined) {
    const other = Object.entries({ jwksUrl, jwksTokenFile, caFile: ca }).find(([, value]) => value !== undefined)?.[0]
    if (other !== undefined) throw optionError(at(other), `either jwks or ${other}`, 'both')
    return
  }
  if (jwksUrl === undefined) httpUrl(issuer, at('issuer'))
  if (jwksTokenFile === undefined) return
  const { protocol, hostname } = new URL(required(jwksUrl, at('jwksUrl'), 'where the token of jwksTokenFile is shown'))
  const isHere = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
  if (protocol !== 'https:' && !isHere) throw optionError(at('jwksUrl'), 'an https: URL, since a token is shown there', jwksUrl)
}

function checkSubjects({ services = {} }: Partial<TrustedIssuerOptions>, at: (name: string) => string): void {
  const subjects = Object.values(services)
  const twice = subjects.find((subject, i) => subjects.indexOf(subject) !== i)
  if (twice !== undefined) throw optionError(at('services'), 'a subject of its own for each service', twice)
}

const issuerList = listOf(trustedIssuer)

/** A list of issuers none of which could be taken for another. */
export const trustedIssuers: Reader<readonly TrustedIssuerSettings[]> = (value, path) => {
  const all = issuerList(value, path)
  all.forEach((one, i) => {
    const others = all.filter((other) => other !== one)
    const at = (name: string): string => `${path}[${i}].${name}`
    if (others.some(({ issuer }) => issuer === one.issuer)) throw optionError(at('issuer'), 'each issuer once', one.issuer)
    if (one.trustDomain !== undefined && others.some(({ trustDomain }) => trustDomain === one.trustDomain)) {
      throw optionError(at('trustDomain'), 'one issuer for each trust domain', one.trustDomain)
    }
    // Subjects of two clusters are alike: which of them may speak for a namespace has to be said.
    if (one.profile === 'kubernetes' && one.namespaces === undefined && others.some(({ profile }) => profile === 'kubernetes')) {
      throw optionError(at('namespaces'), 'the namespaces that this cluster speaks for, since another one is trusted, too', undefined)
    }
  })
  return all
}
