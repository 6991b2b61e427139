/** A SPIFFE ID, taken apart. */
export interface SpiffeId {
  readonly trustDomain: string
  /** With its leading slash; empty for the trust domain itself. */
  readonly path: string
}

const MAX_LENGTH = 2048
const MAX_TRUST_DOMAIN_LENGTH = 255

/**
 * Reads a SPIFFE ID (SPIFFE-ID §2): one scheme, lower-case; a trust domain without port or user; path segments of
 * `[a-zA-Z0-9._-]` that are neither empty nor dots. There is one way to write each, so that two may be compared as text.
 * Undefined when it is none.
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const [whole, trustDomain, path] = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[a-zA-Z0-9._-]+)*)$/.exec(text) ?? []
  if (whole === undefined || trustDomain!.length > MAX_TRUST_DOMAIN_LENGTH) return undefined
  return /\/\.{1,2}(?:\/|$)/.test(path!) ? undefined : { trustDomain: trustDomain!, path: path! }
}
