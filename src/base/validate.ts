import { isIP } from 'node:net'
import { MeshError } from './errors.js'

/** Checks one value and gives it back, or throws `MESH_ERR_OPTION` with the path, what was expected and what came. */
export type Reader<T> = (value: unknown, path: string) => T

/** The error for an option that is not what was expected. */
export function optionError(path: string, expected: string, value: unknown): MeshError {
  return new MeshError('MESH_ERR_OPTION', `${path}: expected ${expected}, got ${show(value)}`)
}

function show(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value)
  const text = typeof value === 'number' ? String(value) : json(value)
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'undefined'
  } catch {
    // A circle, a bigint within, or a toJSON that throws.
    return 'what is no JSON'
  }
}

function check<T>(expected: string, holds: (value: unknown) => boolean): Reader<T> {
  return (value, path) => {
    if (!holds(value)) throw optionError(path, expected, value)
    return value as T
  }
}

export const text: Reader<string> = check('a non-empty string', (v) => typeof v === 'string' && v.length > 0)
export const flag: Reader<boolean> = check('true or false', (v) => typeof v === 'boolean')
export const positiveMs: Reader<number> = check('a positive number of milliseconds', (v) => typeof v === 'number' && v > 0)
export const ratio: Reader<number> = check('a number from 0 to 1', (v) => typeof v === 'number' && v >= 0 && v <= 1)
export const port: Reader<number> = wholeNumber(1, 65_535)

/** Bounded as in Consul and in DNS (RFC 2782), so that the sum over all endpoints of a service stays an exact number. */
export const weight: Reader<number> = numberFrom(0, 65_535)

/** A host name or an IP address, IPv6 without brackets; no scheme and no port. */
export const host: Reader<string> = check(
  'a host name or an IP address',
  (v) => typeof v === 'string' && ((v.length <= 253 && /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(v)) || isIP(v) !== 0),
)

/** A DNS label, since a service's name becomes a host name, a token's audience and a metric's label (RFC 1123 §2.1). */
export const serviceName: Reader<string> = check(
  'a service name: lower-case letters, digits and hyphens, beginning with a letter, at most 63 characters',
  (v) => typeof v === 'string' && isServiceName(v),
)

export function isServiceName(name: string): boolean {
  return /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
}

export const httpUrl: Reader<string> = check(
  'an http:// or https:// URL without user, query or fragment',
  (v) => {
    if (typeof v !== 'string' || !URL.canParse(v)) return false
    const url = new URL(v)
    return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  },
)

export function numberFrom(min: number, max: number): Reader<number> {
  return check(`a number from ${min} to ${max}`, (v) => typeof v === 'number' && v >= min && v <= max)
}

export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`
  return check(`a whole number ${range}`, (v) => Number.isSafeInteger(v) && (v as number) >= min && (v as number) <= max)
}

export function oneOf<const T extends string>(...choices: readonly T[]): Reader<T> {
  return check(`one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, (v) => choices.includes(v as T))
}

/** A function, or an object with this method; what it does cannot be checked beforehand. */
export function callable<T>(expected: string, method?: string): Reader<T> {
  return check(expected, (v) => typeof (method === undefined ? v : (v as Record<string, unknown> | null)?.[method]) === 'function')
}

export function listOf<T>(reader: Reader<T>): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw optionError(path, 'a list', value)
    return value.map((item, i) => reader(item, `${path}[${i}]`))
  }
}

/** A map from names to values, copied without a prototype so that no name is special. */
export function mapOf<T>(key: Reader<string>, reader: Reader<T>): Reader<Readonly<Record<string, T>>> {
  return (value, path) => {
    // What is created without a prototype is a hash table, three times as large as what has lost its own.
    const copy = Object.setPrototypeOf({}, null) as Record<string, T>
    const given = plainObject(value, path) as Readonly<Record<string, unknown>>
    for (const name of Object.keys(given)) copy[key(name, path)] = reader(given[name], member(path, name))
    return copy
  }
}

/** An object with these fields and no others; fields that are absent or undefined stay absent. The result is a copy. */
export function fields<T extends object>(readers: { readonly [K in keyof T]-?: Reader<Exclude<T[K], undefined>> }): Reader<Partial<T>> {
  const known = knownFields<T>(...(Object.keys(readers) as (keyof T & string)[]))
  return (value, path) => {
    const copy: Partial<T> = {}
    for (const [name, item] of Object.entries(known(value, path))) {
      const key = name as keyof T
      if (item !== undefined) copy[key] = readers[key](item, member(path, name))
    }
    return copy
  }
}

/** An object with no other fields than these, whatever is in them. The result is the very object. */
export function knownFields<T extends object>(...names: readonly (keyof T & string)[]): Reader<{ readonly [K in keyof T]?: unknown }> {
  const known: ReadonlySet<string> = new Set(names)
  return (value, path) => {
    const given = plainObject(value, path)
    for (const name of Object.keys(given)) {
      if (!known.has(name)) throw new MeshError('MESH_ERR_OPTION', `${member(path, name)}: unknown option; expected one of ${names.join(', ')}`)
    }
    return given
  }
}

/** `value`, or the error that it is missing. */
export function required<T>(value: T | undefined, path: string, expected: string): T {
  if (value === undefined) throw optionError(path, expected, value)
  return value
}

/** Where a field is found of what is found at `path`. */
export function member(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** An object as a literal makes it, or one without a prototype; the very object. */
export function plainObject(value: unknown, path: string): object {
  const prototype: unknown = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  if (prototype !== Object.prototype && prototype !== null) throw optionError(path === '' ? 'options' : path, 'a plain object', value)
  return value as object
}
