import { fields, optionError, text, type Reader } from '../base/validate.js'
import { addressRange } from './address-range.js'
import { allOf, anyOf, everyField, filled, not, of, withNegations, type Matcher, type RequestMatcher } from './matcher.js'
import { textPatterns } from './text-pattern.js'

/** What else must hold: a claim of the caller's token, a header field, or the address that the connection comes from. */
export type AccessCondition =
  | ({
      /** A claim; a list leads into nested claims, as `['realm_access', 'roles']`. No name is split at its dots. */
      readonly claim: string | readonly string[]
    } & ConditionValues)
  | ({
      /** A header field. What its caller says of itself is no proof of anything. */
      readonly header: string
    } & ConditionValues)
  | {
      /** Addresses and ranges, as `10.0.0.0/8` and `fd00::/8`, of the other end of the connection: behind a proxy, the proxy. */
      readonly addresses?: readonly string[] | undefined
      readonly notAddresses?: readonly string[] | undefined
    }

/** Texts, which may be `abc`, `abc*`, `*abc` or `*`. At least one of the two is given. */
export interface ConditionValues {
  readonly values?: readonly string[] | undefined
  readonly notValues?: readonly string[] | undefined
}

const addresses: Reader<RequestMatcher> = (value, path) =>
  of(({ remoteAddress }) => remoteAddress, anyOf(filled(addressRange)(value, path)))

const byAddress = everyField(withNegations({ addresses }))

interface Conditions {
  claim?: readonly string[]
  header?: string
  values?: Matcher<string>
  notValues?: Matcher<string>
}

const claim: Reader<readonly string[]> = (value, path) => (typeof value === 'string' ? [text(value, path)] : filled(text)(value, path))

const header: Reader<string> = (value, path) => {
  if (typeof value === 'string' && /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(value)) return value.toLowerCase()
  throw optionError(path, 'the name of a header field', value)
}

const readValues = fields<Conditions>({ claim, header, values: textPatterns, notValues: textPatterns })

const condition: Reader<RequestMatcher> = (value, path) => {
  if (typeof value === 'object' && value !== null && ('addresses' in value || 'notAddresses' in value)) return byAddress(value, path)
  const { claim, header, values, notValues } = readValues(value, path)
  if ((claim === undefined) === (header === undefined)) throw optionError(path, 'either a claim, a header or addresses', value)
  if (values === undefined && notValues === undefined) throw optionError(`${path}.values`, 'values, notValues or both', undefined)
  const lift = (matches: Matcher<string>): RequestMatcher => (claim === undefined ? headerMatcher(header!, matches) : claimMatcher(claim, matches))
  return allOf([...(values === undefined ? [] : [lift(values)]), ...(notValues === undefined ? [] : [not(lift(notValues))])])
}

const conditions = filled(condition)

/** The list `when` of a rule: all of its conditions must hold. */
export const ruleWhen: Reader<RequestMatcher> = (value, path) => allOf(conditions(value, path))

/**
 * A field that came twice is joined by a comma, and nobody can tell it from one that holds a comma: it matches for certain when
 * the whole and every part match, and perhaps when any of them does. Bytes that are no visible ASCII leave any doubt open.
 */
function headerMatcher(name: string, matches: Matcher<string>): RequestMatcher {
  return (request, inDoubt) => {
    const field = request.header(name)
    if (field === undefined) return false
    if (/[^\t\x20-\x7e]/.test(field)) return inDoubt
    if (!field.includes(',')) return matches(field, inDoubt)
    const readings = [field, ...field.split(',').map((part) => part.trim())]
    return inDoubt ? readings.some((reading) => matches(reading, true)) : readings.every((reading) => matches(reading, false))
  }
}

/** A claim that is a text, a number, true or false, or a list of these; every other shape leaves a doubt. */
function claimMatcher(way: readonly string[], matches: Matcher<string>): RequestMatcher {
  return ({ peer }, inDoubt) => {
    let found: unknown = peer.claims
    for (const name of way) {
      if (typeof found !== 'object' || found === null || Array.isArray(found)) return found !== undefined && inDoubt
      found = Object.hasOwn(found, name) ? (found as Record<string, unknown>)[name] : undefined
    }
    if (found === undefined) return false
    // Scopes stand in one text, apart by spaces (RFC 8693 §4.2).
    const items: readonly unknown[] = way[0] === 'scope' && way.length === 1 && typeof found === 'string' ? [found, ...found.split(' ')] : [found].flat()
    return items.some((item) => (isPlain(item) ? matches(String(item), inDoubt) : inDoubt))
  }
}

function isPlain(item: unknown): item is string | number | boolean {
  return typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean'
}
