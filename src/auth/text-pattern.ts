import { optionError, type Reader } from '../base/validate.js'
import { filled, type Matcher } from './matcher.js'

/** `abc`, `abc*`, `*abc` or `*`: exactly this, what begins or ends so, or anything that is not empty. */
export type TextPattern =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly text: string }
  | { readonly kind: 'present' }

const EXPECTED = "a text, which may begin or end with one '*' and holds no other"

/** Undefined for a star that stands elsewhere: it was meant to match something, and would be taken literally. */
export function parseTextPattern(given: string): TextPattern | undefined {
  if (given === '*') return { kind: 'present' }
  const kind = given.startsWith('*') ? 'suffix' : given.endsWith('*') ? 'prefix' : 'exact'
  const text = kind === 'suffix' ? given.slice(1) : kind === 'prefix' ? given.slice(0, -1) : given
  return text === '' || text.includes('*') ? undefined : { kind, text }
}

/** One list of patterns, ready: exact ones take one look, however many they are. */
export function textMatcher(patterns: readonly TextPattern[]): Matcher<string> {
  const exact = new Set(patterns.flatMap((pattern) => (pattern.kind === 'exact' ? [pattern.text] : [])))
  const others = patterns.filter(({ kind }) => kind !== 'exact')
  return (value, inDoubt) => exact.has(value) || others.some((pattern) => matches(pattern, value, inDoubt))
}

function matches(pattern: TextPattern, value: string, inDoubt: boolean): boolean {
  // Whether something that is there and empty is present, is a matter of taste.
  if (pattern.kind === 'present') return value !== '' || inDoubt
  return pattern.kind === 'prefix' ? value.startsWith(pattern.text) : value.endsWith(pattern.text)
}

const textPattern: Reader<TextPattern> = (value, path) => {
  const pattern = typeof value === 'string' ? parseTextPattern(value) : undefined
  if (pattern === undefined) throw optionError(path, EXPECTED, value)
  return pattern
}

const patterns = filled(textPattern)

/** A list of texts and patterns. */
export const textPatterns: Reader<Matcher<string>> = (value, path) => textMatcher(patterns(value, path))

/** The same for what may be absent: that is no text, and so none of them. */
export function present(matcher: Matcher<string>): Matcher<string | undefined> {
  return (value, inDoubt) => value !== undefined && matcher(value, inDoubt)
}
