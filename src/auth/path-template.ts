import { optionError, type Reader } from '../base/validate.js'
import { readRequestPath } from './request-path.js'

/**
 * `/users/:id` and `/files/*`: a segment `:name` stands for any one segment that is not empty, a last segment `*` for
 * all that follows its slash. Everything else is literal, so that matching takes one look at each segment.
 */
export interface PathTemplate {
  readonly segments: readonly TemplateSegment[]
  /** Whether it ends in `*`. */
  readonly open: boolean
}

/** A literal segment; undefined for `:name`. */
type TemplateSegment = string | undefined

const EXPECTED = "a path such as '/users', '/users/:id' or '/users/*', without anything that routers read differently"

export const pathTemplate: Reader<PathTemplate> = (value, path) => {
  const parsed = typeof value === 'string' ? parse(value) : undefined
  if (parsed === undefined) throw optionError(path, EXPECTED, value)
  return parsed
}

function parse(template: string): PathTemplate | undefined {
  if (/[?{}()]/.test(template)) return undefined
  const path = readRequestPath(template)
  if ('refused' in path) return undefined
  const open = path.segments.at(-1) === '*'
  const closed = open ? path.segments.slice(0, -1) : path.segments
  const segments = closed.map((segment) => (/^:[A-Za-z_]\w*$/.test(segment) ? undefined : segment))
  // A star or colon elsewhere was meant to match something, and would silently match nothing.
  return segments.some((segment) => segment !== undefined && /^:|\*/.test(segment)) ? undefined : { segments, open }
}

/** Whether the path is one of the template's, letter for letter. */
export function matchesExactly({ segments, open }: PathTemplate, path: readonly string[]): boolean {
  if (open ? path.length <= segments.length : path.length !== segments.length) return false
  return segments.every((segment, i) => (segment === undefined ? path[i] !== '' : segment === path[i]))
}

/** Whether any router could take the path for one of the template's: some ignore case, and a slash at the end. */
export function matchesLoosely(template: PathTemplate, path: readonly string[]): boolean {
  const lower: PathTemplate = { segments: template.segments.map((segment) => segment?.toLowerCase()), open: template.open }
  const folded = path.map((segment) => segment.toLowerCase())
  const bare = folded.length > 1 && folded.at(-1) === '' ? folded.slice(0, -1) : folded
  return matchesExactly(lower, bare) || matchesExactly(lower, [...bare, ''])
}
