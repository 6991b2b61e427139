import type { Attributes, AttributeValue } from './span.js'

/** A JSON object of which nothing is known. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Names are kept for as long as anything happens under them. */
export const MAX_NAME_LENGTH = 255

/** Thrown for an item that is not as OTLP says; the rest of its batch is taken. */
export class Malformed extends Error {}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects in a repeated field, which may be absent. */
export function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

/** What became of the items of one batch. */
export interface Batch<T> {
  readonly taken: readonly T[]
  /** Why each refused one was refused. */
  readonly refused: readonly string[]
}

/** Reads each item by itself: a malformed one spoils none of the others. */
export function readEach<T>(items: Iterable<() => T>): Batch<T> {
  const taken: T[] = []
  const refused: string[] = []
  for (const read of items) {
    try {
      taken.push(read())
    } catch (error) {
      if (!(error instanceof Malformed)) throw error
      refused.push(error.message)
    }
  }
  return { taken, refused }
}

/** A 64-bit number of nanoseconds, which JSON carries as text. */
export function nanoseconds(value: unknown, name: string): bigint {
  if (typeof value === 'bigint') return value
  const isWritten = typeof value === 'string' ? /^\d{1,20}$/.test(value) : Number.isInteger(value) && (value as number) >= 0
  if (!isWritten) throw new Malformed(`${name} is not a number of nanoseconds`)
  return BigInt(value as string | number)
}

/** Milliseconds, exact to the microsecond for any time of this era. */
export function milliseconds(ns: bigint): number {
  return Number(ns / 1000n) / 1000
}

/** A list of OTLP's key and value pairs. */
export function readAttributes(value: unknown): Attributes {
  const pairs = objectsIn(value).filter(({ key }) => typeof key === 'string')
  return Object.fromEntries(pairs.map(({ key, value: any }) => [key as string, attributeValue(any)]))
}

/** The service that a resource speaks for, when it says so. A name that is too long to be one is as good as none. */
export function serviceOf(resource: unknown): string {
  const attributes = isObject(resource) ? readAttributes(resource['attributes']) : {}
  const name = textOr(attributes['service.name'], '')
  return name === '' || name.length > MAX_NAME_LENGTH ? 'unknown_service' : name
}

function attributeValue(any: unknown): AttributeValue {
  if (!isObject(any)) return ''
  const { stringValue, boolValue, intValue, doubleValue } = any
  if (typeof stringValue === 'string') return stringValue
  if (typeof boolValue === 'boolean') return boolValue
  if (intValue !== undefined) return Number(intValue)
  if (typeof doubleValue === 'number') return doubleValue
  return JSON.stringify(any)
}
