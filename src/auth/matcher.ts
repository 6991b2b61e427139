import { fields, listOf, optionError, type Reader } from '../base/validate.js'
import type { Peer } from '../call/inbound.js'

/** What a policy may look at of a request. */
export interface JudgedRequest {
  readonly peer: Peer
  readonly method: string
  /** Decoded segments of the path. */
  readonly path: readonly string[]
  readonly remoteAddress: string | undefined
  /** Port of this process that the request came to. */
  readonly localPort?: number | undefined
  header(name: string): string | undefined
}

/**
 * Whether a value is one of those that are meant. `inDoubt` is the answer for a value of which that cannot be said for
 * certain: a rule that allows gives false and a rule that denies gives true, so that no doubt ever lets a request pass.
 */
export type Matcher<T> = (value: T, inDoubt: boolean) => boolean

/** Matches what no matcher would: the doubt turns round with the answer. */
export function not<T>(matcher: Matcher<T>): Matcher<T> {
  return (value, inDoubt) => !matcher(value, !inDoubt)
}

export function anyOf<T>(matchers: readonly Matcher<T>[]): Matcher<T> {
  return matchers.length === 1 ? matchers[0]! : (value, inDoubt) => matchers.some((matches) => matches(value, inDoubt))
}

export function allOf<T>(matchers: readonly Matcher<T>[]): Matcher<T> {
  return matchers.length === 1 ? matchers[0]! : (value, inDoubt) => matchers.every((matches) => matches(value, inDoubt))
}

/** The same of something that is found on the value. */
export function of<S, T>(found: (from: S) => T, matches: Matcher<T>): Matcher<S> {
  return (from, inDoubt) => matches(found(from), inDoubt)
}

/** An empty list matches nothing, which is never what was meant; absence says "all". */
export function filled<T>(reader: Reader<T>): Reader<readonly T[]> {
  const list = listOf(reader)
  return (value, path) => {
    const items = list(value, path)
    if (items.length === 0) throw optionError(path, 'a list of at least one', value)
    return items
  }
}

export type RequestMatcher = Matcher<JudgedRequest>

/** Readers of these fields and of the `not…` form of each. */
export function withNegations(readers: Readonly<Record<string, Reader<RequestMatcher>>>): Record<string, Reader<RequestMatcher>> {
  const all: Record<string, Reader<RequestMatcher>> = {}
  for (const [name, read] of Object.entries(readers)) {
    all[name] = read
    all[`not${name[0]!.toUpperCase()}${name.slice(1)}`] = (value, path) => not(read(value, path))
  }
  return all
}

/** An object of such fields, of which every one must match; at least one stands there. */
export function everyField(readers: Readonly<Record<string, Reader<RequestMatcher>>>): Reader<RequestMatcher> {
  const read = fields<Record<string, RequestMatcher>>({ ...readers })
  return (value, path) => {
    const matchers = Object.values(read(value, path)) as RequestMatcher[]
    if (matchers.length === 0) throw optionError(path, `at least one of ${Object.keys(readers).join(', ')}`, value)
    return allOf(matchers)
  }
}
