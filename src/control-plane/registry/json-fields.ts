import { Refusal } from '../http/answer.js'
import { parseGoDuration } from './go-duration.js'

/** The members of a JSON object by name, whatever their case and underscores: so Consul reads them, and clients rely on it. */
export class Fields {
  readonly #members: ReadonlyMap<string, unknown>

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mistyped(path, 'an object')
    this.#members = new Map(Object.entries(value).map(([name, member]) => [plain(name), member]))
  }

  static parse(body: string): Fields {
    let value: unknown
    try {
      value = JSON.parse(body)
    } catch {
      throw new Refusal(400, 'Request decode failed: the body is not JSON')
    }
    return new Fields(value, 'body')
  }

  /** The member as it came; undefined when it is absent or null. */
  value(name: string): unknown {
    return this.#members.get(plain(name)) ?? undefined
  }

  text(name: string): string {
    const value = this.value(name) ?? ''
    if (typeof value !== 'string') throw mistyped(name, 'a string')
    return value
  }

  wholeNumber(name: string, max: number): number | undefined {
    const value = this.value(name)
    if (value === undefined) return undefined
    const isInRange = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max
    if (!isInRange) throw mistyped(name, `a whole number from 0 to ${max}`)
    return value as number
  }

  /** A Go duration, or a number of nanoseconds. */
  durationMs(name: string): number | undefined {
    const value = this.value(name)
    if (value === undefined || value === '') return undefined
    const ms = typeof value === 'number' ? value / 1e6 : parseGoDuration(String(value))
    if (ms === undefined) throw mistyped(name, "a duration such as '10s'")
    return ms
  }

  strings(name: string): readonly string[] {
    const value = this.value(name) ?? []
    if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw mistyped(name, 'a list of strings')
    return value as string[]
  }

  object(name: string): Fields | undefined {
    const value = this.value(name)
    return value === undefined ? undefined : new Fields(value, name)
  }

  objects(name: string): readonly Fields[] {
    const value = this.value(name) ?? []
    if (!Array.isArray(value)) throw mistyped(name, 'a list')
    return value.map((item) => new Fields(item, name))
  }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll('_', '')
}

export function mistyped(name: string, expected: string): Refusal {
  return new Refusal(400, `Request decode failed: ${name}: expected ${expected}`)
}
