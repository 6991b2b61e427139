import { parseSpiffeId } from './auth/spiffe-id.js'
import { fields, oneOf, optionError, positiveMs, required, text, wholeNumber, type Reader } from './base/validate.js'
import type { TlsMode } from './call/policy.js'
import { trustDomainName } from './trusted-issuer-options.js'

/** Mutual TLS between the services of one trust domain. The files are read again whenever they change. */
export interface TlsOptions {
  /** Path of a PEM file: this process's certificate, an X.509-SVID, and those between it and an authority. */
  readonly cert: string
  /** Path of a PEM file: its private key. */
  readonly key: string
  /** Path of a PEM file: the authorities of the trust domain, all of them and no others. */
  readonly ca: string
  /** SPIFFE trust domain, such as `example.org`. Default: `identity.trustDomain`. */
  readonly trustDomain?: string | undefined
  /**
   * SPIFFE ID of the services of the mesh, in which `{service}` stands for the name. Default `spiffe://<trustDomain>/{service}`. What
   * `services.<name>.tls.identity` says goes before.
   */
  readonly identities?: string | undefined
  /**
   * `'required'`: calls go out over TLS and come in over TLS, or not at all. `'offered'`: over TLS to endpoints that say so (`scheme:
   * 'https'` in their metadata), and plain ones come in too, if they bring a token. `'off'`: neither, but `serverTls()`. Default `'required'`.
   */
  readonly mode?: TlsMode | undefined
  /** Default `'TLSv1.3'`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined
  /** A connection that is older is given no new call. Default an hour. */
  readonly maxConnectionAgeMs?: number | undefined
  /** How long what is under way may go on over a connection that was made when an authority was trusted that no longer is; at most 60 000. Default 30 000. */
  readonly retireMs?: number | undefined
}

/** {@link TlsOptions} with every default in its place. */
export type TlsSettings = { readonly [K in keyof TlsOptions]-?: NonNullable<TlsOptions[K]> }

export const tlsDefaults = Object.freeze({ mode: 'required', minVersion: 'TLSv1.3', maxConnectionAgeMs: 3_600_000, retireMs: 30_000 } as const)

export const tlsMode = oneOf('required', 'offered', 'off')

const identities: Reader<string> = (value, path) => {
  const filled = typeof value === 'string' && value.includes('{service}') ? parseSpiffeId(value.replaceAll('{service}', 'a')) : undefined
  if (filled === undefined || filled.path === '') throw optionError(path, 'a SPIFFE ID with {service} in its path', value)
  return value as string
}

export const readTls = fields<TlsOptions>({
  cert: text,
  key: text,
  ca: text,
  trustDomain: trustDomainName,
  identities,
  mode: tlsMode,
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
  maxConnectionAgeMs: positiveMs,
  retireMs: wholeNumber(0, 60_000),
})

/** Puts the defaults in their places. Throws `MESH_ERR_OPTION` when something is missing, or does not go together. */
export function tlsSettings(options: Partial<TlsOptions>, fromIdentity: string | undefined): TlsSettings {
  const domain = required(options.trustDomain ?? fromIdentity, 'tls.trustDomain', 'the SPIFFE trust domain, here or in identity')
  const template = options.identities ?? `spiffe://${domain}/{service}`
  if (!template.startsWith(`spiffe://${domain}/`)) throw optionError('tls.identities', `SPIFFE IDs of the trust domain ${domain}`, template)
  return {
    cert: required(options.cert, 'tls.cert', 'the path of a certificate'),
    key: required(options.key, 'tls.key', 'the path of its private key'),
    ca: required(options.ca, 'tls.ca', 'the path of the authorities that are trusted'),
    trustDomain: domain,
    identities: template,
    mode: options.mode ?? tlsDefaults.mode,
    minVersion: options.minVersion ?? tlsDefaults.minVersion,
    maxConnectionAgeMs: options.maxConnectionAgeMs ?? tlsDefaults.maxConnectionAgeMs,
    retireMs: options.retireMs ?? tlsDefaults.retireMs,
  }
}
