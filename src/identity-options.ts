import type { KeyObject } from 'node:crypto'
import { signingKey } from './auth/signing-key.js'
import type { TokenFunction, TokenProvider } from './auth/token-source.js'
import { fields, flag, httpUrl, optionError, text, type Reader } from './base/validate.js'
import { trustDomainName, trustedIssuers, type TrustedIssuerOptions, type TrustedIssuerSettings } from './trusted-issuer-options.js'

/** Who this service is, and who vouches for others. */
export interface IdentityOptions {
  /** URL of the OpenID issuer that gives this service its tokens and that callers' tokens must come from. */
  readonly issuer?: string | undefined
  /** What the issuer knows this service by; its client id is the service's name. */
  readonly clientSecret?: string | undefined
  /** Instead of a secret: this service's P-256 private key as PEM text, whose public half the issuer knows (`private_key_jwt`, RFC 7523). */
  readonly clientKey?: string | undefined
  /**
   * Instead of a secret: path of a token for the issuer that somebody else keeps fresh, such as the projected one of a Kubernetes
   * service account. It is exchanged for the issuer's own (RFC 8693).
   */
  readonly clientTokenFile?: string | undefined
  /**
   * SPIFFE trust domain, such as `example.org`: callers bring JWT-SVIDs of its workloads, and no other kind of token; `issuer` is
   * where its keys are published. A caller's name in the policy is then its SPIFFE ID.
   */
  readonly trustDomain?: string | undefined
  /** Further issuers whose tokens callers may bring, each of one kind and held to its own keys, audience and subjects. */
  readonly issuers?: readonly TrustedIssuerOptions[] | undefined
  /**
   * Binds this service's tokens to a key of the process, by a proof with each call (DPoP, RFC 9449), so that a token that was taken is
   * of no use. For tokens of the issuer, which must support it, and of `selfSigned()`. Default false.
   */
  readonly proof?: boolean | undefined
  /** Another way to outbound tokens: `fileToken()`, `selfSigned()`, or a function of your own, the audience in, the token out. */
  readonly token?: TokenFunction | TokenProvider | undefined
}

/** {@link IdentityOptions} as they were read. */
export interface IdentitySettings extends Omit<IdentityOptions, 'clientKey' | 'issuers'> {
  readonly clientKey?: KeyObject | undefined
  readonly issuers?: readonly TrustedIssuerSettings[] | undefined
}

const SOURCES = ['clientSecret', 'clientKey', 'clientTokenFile', 'token'] as const

const tokens: Reader<TokenFunction | TokenProvider> = (value, path) => {
  if (typeof value === 'function' || typeof (value as Partial<TokenProvider> | null)?.open === 'function') return value as TokenFunction
  throw optionError(path, 'fileToken(), selfSigned() or a function (audience) that gives a token', value)
}

const readFields = fields<IdentitySettings>({
  issuer: httpUrl,
  clientSecret: text,
  clientKey: signingKey,
  clientTokenFile: text,
  trustDomain: trustDomainName,
  issuers: trustedIssuers,
  proof: flag,
  token: tokens,
})

export const readIdentity: Reader<IdentitySettings> = (value, path) => {
  const identity = readFields(value, path)
  const [source, other] = SOURCES.filter((name) => identity[name] !== undefined)
  if (source !== undefined && source !== 'token' && identity.issuer === undefined) {
    throw optionError(`${path}.issuer`, `the issuer that knows ${source}`, undefined)
  }
  if (identity.trustDomain !== undefined && identity.issuer === undefined) {
    throw optionError(`${path}.issuer`, 'where the keys of trustDomain are published', undefined)
  }
  identity.issuers?.forEach(({ issuer, trustDomain }, i) => {
    if (issuer === identity.issuer) throw optionError(`${path}.issuers[${i}].issuer`, 'another one than identity.issuer, which is trusted already', issuer)
    if (trustDomain !== undefined && trustDomain === identity.trustDomain) {
      throw optionError(`${path}.issuers[${i}].trustDomain`, 'another one than identity.trustDomain', trustDomain)
    }
  })
  if (other !== undefined) throw optionError(`${path}.${other}`, `either ${other} or ${source}`, 'both')
  return identity
}
