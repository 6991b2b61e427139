import type { Dispatcher } from 'undici'
import type { RequestBody } from '../call/body.js'
import type { HeaderList } from '../call/headers.js'

/** The parts of undici's options that become a call. */
export interface DispatchedRequest {
  readonly method: string
  readonly path: string
  readonly headers: HeaderList
  readonly body: RequestBody
}

export function requestOf(options: Dispatcher.DispatchOptions): DispatchedRequest {
  const headers = headersOf(options)
  for (let i = 0; i < headers.length; i += 2) headers[i] = headers[i]!.toLowerCase()
  return {
    method: options.method,
    path: options.query == null ? options.path : withQuery(options.path, options.query as Record<string, unknown>),
    headers,
    body: (options.body ?? null) as RequestBody,
  }
}

/** Every form in which undici takes header fields, as one flat list; names as they were given. */
export function headersOf({ headers }: Dispatcher.DispatchOptions): string[] {
  const list: string[] = []
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) value.forEach((single) => add(name, single))
    else if (value !== undefined) list.push(name, /^content-length$/i.test(name) ? once(String(value)) : String(value ?? ''))
  }
  if (Array.isArray(headers)) {
    for (let i = 0; i < headers.length; i += 2) add(headers[i]!, headers[i + 1])
  } else if (headers != null && Symbol.iterator in headers) {
    for (const [name, value] of headers as Iterable<[string, unknown]>) add(name, value)
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) add(name, value)
  }
  return list
}

/** The fetch of Node 20 and 22 lists a length that its caller gave beside its own: `5, 5` is 5 (RFC 9110 §8.6). */
function once(length: string): string {
  return /^(\d+), \1$/.exec(length)?.[1] ?? length
}

function withQuery(path: string, query: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const single of Array.isArray(value) ? value : [value]) params.append(name, String(single ?? ''))
  }
  return params.size === 0 ? path : `${path}?${params}`
}
