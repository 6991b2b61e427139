/**
 * Header fields on their way out: name, value, name, value …, as undici takes them. Names are lower-case.
 * A flat list keeps repeated fields apart and is the cheapest form to copy.
 */
export type HeaderList = readonly string[]

/** The first value of a field, or undefined. `name` is lower-case. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) return headers[i + 1]
  }
  return undefined
}

/** A copy in which `name` stands once, with this value. */
export function withHeader(headers: HeaderList, name: string, value: string): HeaderList {
  const copy = headerValue(headers, name) === undefined ? headers.slice() : withoutHeader(headers, name)
  copy.push(name, value)
  return copy
}

/** A copy without `name`. */
export function withoutHeader(headers: HeaderList, name: string): string[] {
  const copy: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) copy.push(headers[i]!, headers[i + 1]!)
  }
  return copy
}

/** Header fields that came in: lower-case names; a field that came more than once is an array. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>
