import { optionError, type Reader } from '../base/validate.js'

/**
 * What routers read in more than one way, each with the reading to fear. A path that holds any of it is refused, so that
 * the path which a policy judges is the path which the application's router matches, whichever router that is.
 */
const AMBIGUITIES: readonly (readonly [form: RegExp, reason: string])[] = [
  [/^(?!\/)/, 'it does not begin with a slash: absolute form and asterisk form are not for applications'],
  [/[^\x21-\x7e]/, 'it holds a byte that is no visible ASCII'],
  [/\/\//, 'some routers merge two slashes'],
  [/[\\]|%5c/i, 'some routers take a backslash for a slash'],
  [/%2f/i, 'some routers decode a slash before they split the path'],
  [/;/, 'some routers cut a segment at a semicolon'],
  [/#/, 'some routers cut the path at a number sign'],
  [/%(?![0-9a-f]{2})/i, 'a percent sign does not stand before two hexadecimal digits'],
  [/%(?:2[de]|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a]|7e)/i, 'some routers do not decode an escaped letter, digit or -._~'],
  [/%(?:[01][0-9a-f]|7f)/i, 'it holds an escaped control character'],
  [/%25[0-9a-f]{2}/i, 'it holds an escape within an escape'],
  [/\/\.{1,2}(?:\/|$)/, 'some routers resolve dot segments'],
]

/** A path that every router reads alike, as its decoded segments; or why there is none. */
export type RequestPath = { readonly segments: readonly string[] } | { readonly refused: string }

/** Reads the path of a request target (RFC 9112 §3.2) into its one normal form. Linear in its length. */
export function readRequestPath(target: string): RequestPath {
  const path = rawPathOf(target)
  // Nearly every path is made of nothing but these, and of no empty or dotted segment.
  if (/^(?:\/[\w~-]+)+$/.test(path)) return { segments: path.slice(1).split('/') }
  const ambiguity = AMBIGUITIES.find(([form]) => form.test(path))
  if (ambiguity !== undefined) return { refused: ambiguity[1] }
  try {
    return { segments: path.slice(1).split('/').map(decodeURIComponent) }
  } catch {
    return { refused: 'its escapes are not UTF-8' }
  }
}

/** The path as it came, without the query. */
export function rawPathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** One path, letter for letter, that every router reads alike. */
export const exactPath: Reader<string> = (value, path) => {
  if (typeof value === 'string' && rawPathOf(value) === value && 'segments' in readRequestPath(value)) return value
  throw optionError(path, 'a path such as /healthz, without wildcards and query', value)
}
