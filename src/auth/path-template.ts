import { folded } from './folded.js'
import { readRequestPath } from './request-path.js'

/**
 * `/users/:id` and `/files/*`: a segment `:name` or `{*}` stands for any one segment that is not empty, a segment `{**}` for
 * one or more segments of any kind, and a last segment `*` for the same. Everything else is literal, so that matching takes
 * one look at each segment.
 */
export interface PathTemplate {
  readonly segments: readonly TemplateSegment[]
  /** How many of the segments stand before `{**}` or the last `*`; undefined when there is neither. */
  readonly openAt: number | undefined
  /** The segments without regard to case. */
  readonly folded: readonly TemplateSegment[]
}

/** A literal segment; undefined for `:name` and `{*}`. */
type TemplateSegment = string | undefined

/** Undefined for what is no template, or would match something else than it seems to. */
export function parsePathTemplate(template: string): PathTemplate | undefined {
  const path = readRequestPath(template)
  if ('refused' in path || /[?()]/.test(template)) return undefined
  // As they are written: what is escaped is meant literally.
  const written = template.slice(1).split('/')
  const openAt = written.findIndex((segment, i) => segment === '{**}' || (segment === '*' && i === written.length - 1))
  const isClosed = (_: unknown, i: number): boolean => i !== openAt
  const closed = written.filter(isClosed)
  const isOne = closed.map((segment) => segment === '{*}' || /^:[A-Za-z_]\w*$/.test(segment))
  // A star, colon or brace elsewhere was meant to match something, and would silently match nothing.
  if (closed.some((segment, i) => !isOne[i] && /^:|[*{}]/.test(segment))) return undefined
  // Nothing but literals after what may be any number of segments: where it ended would be a search.
  if (openAt !== -1 && isOne.includes(true, openAt)) return undefined
  const read = path.segments.filter(isClosed).map((segment, i) => (isOne[i] ? undefined : segment))
  return { segments: read, openAt: openAt === -1 ? undefined : openAt, folded: read.map((segment) => segment && folded(segment)) }
}

/** Whether the path is one of the template's, letter for letter. */
export function matchesExactly({ segments, openAt }: PathTemplate, path: readonly string[]): boolean {
  return matches(segments, openAt, path, 1)
}

/**
 * Whether any router could take the path for one of the template's: some ignore case, and a slash at the end. `{**}` may be
 * nothing at all here, as some readers take it.
 */
export function matchesLoosely({ folded: segments, openAt }: PathTemplate, path: readonly string[]): boolean {
  // All at once: no decoded segment holds a slash.
  const other = folded(path.join('/')).split('/')
  const bare = other.length > 1 && other.at(-1) === '' ? other.slice(0, -1) : other
  const slashed = [...bare, '']
  if (matches(segments, openAt, bare, 1) || matches(segments, openAt, slashed, 1)) return true
  return openAt !== undefined && openAt < segments.length && (matches(segments, openAt, bare, 0) || matches(segments, openAt, slashed, 0))
}

function matches(segments: readonly TemplateSegment[], openAt: number | undefined, path: readonly string[], leastOpen: number): boolean {
  const rest = path.length - segments.length
  if (openAt === undefined ? rest !== 0 : rest < leastOpen) return false
  const from = openAt ?? segments.length
  return segments.every((segment, i) => {
    const given = path[i < from ? i : i + rest]
    return segment === undefined ? given !== '' : segment === given
  })
}
