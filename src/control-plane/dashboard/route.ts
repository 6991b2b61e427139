// Where the reader is, in the part of the address after `#`: it can be kept, sent and gone back to.

export type Route =
  | { readonly view: 'graph' }
  | { readonly view: 'service'; readonly service: string }
  | { readonly view: 'traces'; readonly service: string; readonly failed: boolean; readonly minMs: number | undefined }
  | { readonly view: 'trace'; readonly traceId: string; readonly spanId: string | undefined }
  | { readonly view: 'denials'; readonly service: string }
  | { readonly view: 'nowhere' }

/** Reads `#/traces?service=users&failed=true`. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?')
  const [view = '', argument = ''] = path.replace(/^\//, '').split('/')
  const query = new URLSearchParams(search)
  const service = query.get('service') ?? ''
  if (view === '') return { view: 'graph' }
  if (view === 'service' && argument !== '') return { view: 'service', service: decoded(argument) }
  if (view === 'traces') return { view: 'traces', service, failed: query.get('failed') === 'true', minMs: milliseconds(query.get('minMs')) }
  if (view === 'trace' && argument !== '') return { view: 'trace', traceId: decoded(argument), spanId: query.get('span') ?? undefined }
  if (view === 'denials') return { view: 'denials', service }
  return { view: 'nowhere' }
}

export const toGraph = '#/'

export function toService(service: string): string {
  return `#/service/${encodeURIComponent(service)}`
}

export function toTrace(traceId: string, spanId?: string): string {
  return `#/trace/${encodeURIComponent(traceId)}${query({ span: spanId })}`
}

export function toTraces(filter: { readonly service?: string; readonly failed?: boolean; readonly minMs?: number | undefined } = {}): string {
  return `#/traces${query({ service: filter.service, failed: filter.failed === true ? 'true' : undefined, minMs: filter.minMs?.toString() })}`
}

export function toDenials(service = ''): string {
  return `#/denials${query({ service })}`
}

function query(fields: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined && field[1] !== '')
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

function milliseconds(text: string | null): number | undefined {
  return text !== null && /^\d{1,7}(?:\.\d+)?$/.test(text) ? Number(text) : undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
