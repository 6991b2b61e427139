import { optionError, type Reader } from '../base/validate.js'
import type { Matcher } from './matcher.js'
import { matchesExactly, matchesLoosely, parsePathTemplate } from './path-template.js'
import { folded } from './folded.js'
import { readRequestPath } from './request-path.js'
import { parseTextPattern } from './text-pattern.js'

const EXPECTED =
  "a path such as '/users', '/users/:id', '/users/*', '/users/{*}/orders/{**}', '/user*', '*.json' or '*', without anything that routers read differently"

/**
 * Paths, given as their decoded segments. In doubt, they are also what only some routers take for them: other case, a slash
 * at the end.
 */
export const pathPattern: Reader<Matcher<readonly string[]>> = (value, path) => {
  const matcher = typeof value === 'string' ? parse(value) : undefined
  if (matcher === undefined) throw optionError(path, EXPECTED, value)
  return matcher
}

function parse(given: string): Matcher<readonly string[]> | undefined {
  const template = parsePathTemplate(given)
  if (template !== undefined) return (path, inDoubt) => (inDoubt ? matchesLoosely(template, path) : matchesExactly(template, path))
  const pattern = parseTextPattern(given)
  if (pattern?.kind === 'present') return () => true
  if (pattern?.kind === 'prefix') return textIn(pattern.text, '', (text, part) => text.startsWith(part))
  if (pattern?.kind === 'suffix') return textIn(pattern.text, '/x', (text, part) => text.endsWith(part))
  return undefined
}

/** Looks for a part of a path, which `lead` makes a path, in the whole. */
function textIn(part: string, lead: string, holds: (text: string, part: string) => boolean): Matcher<readonly string[]> | undefined {
  const read = readRequestPath(lead + part)
  // A name after a colon was meant to match something, and would be taken literally.
  if ('refused' in read || /[?{}()]|\/:/.test(part)) return undefined
  const wanted = textOf(read.segments).slice(lead.length)
  const loose = folded(wanted)
  return (path, inDoubt) => {
    const text = textOf(path)
    if (!inDoubt) return holds(text, wanted)
    const bare = folded(text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text)
    return holds(bare, loose) || holds(`${bare}/`, loose)
  }
}

/** No decoded segment holds a slash, so that nothing is lost. */
function textOf(segments: readonly string[]): string {
  return `/${segments.join('/')}`
}
