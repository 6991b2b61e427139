import type { Selector } from './selector.js'
import { expired, numberIn, Refusal } from './status.js'
import { selected, type SliceStore } from './store.js'

/** Where a list that was cut goes on: opaque to clients. */
interface Continuation {
  readonly version: number
  readonly offset: number
}

/** The answer to a list, or to one page of it. */
export function listAnswer(store: SliceStore, query: URLSearchParams, namespace: string, selector: Selector): object {
  const limit = numberIn(query, 'limit') ?? 0
  const { version, offset } = continuationIn(query) ?? { version: versionOf(store, query, limit > 0), offset: 0 }
  const objects = store.at(version)
  if (objects === undefined) throw expired(version)
  const items = selected(objects, namespace, selector)
  const end = limit > 0 ? Math.min(offset + limit, items.length) : items.length
  const next = end < items.length ? Buffer.from(JSON.stringify({ version, offset: end })).toString('base64url') : undefined
  return {
    kind: 'EndpointSliceList',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { resourceVersion: String(version), ...(next !== undefined && { continue: next }) },
    items: items.slice(offset, end),
  }
}

function continuationIn(query: URLSearchParams): Continuation | undefined {
  const token = query.get('continue')
  if (token === null || token === '') return undefined
  if (!['', '0', null].includes(query.get('resourceVersion'))) {
    throw new Refusal(400, 'BadRequest', 'specifying resource version is not allowed when using continue')
  }
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Continuation
  } catch {
    throw new Refusal(400, 'BadRequest', 'continue key is not valid')
  }
}

/** Unset is the newest, and so is 0 here; with a limit exactly the one asked for, without one that or any newer. */
function versionOf(store: SliceStore, query: URLSearchParams, isExact: boolean): number {
  const asked = numberIn(query, 'resourceVersion') ?? 0
  if (asked > store.version) {
    throw new Refusal(504, 'Timeout', `Too large resource version: ${asked}, current: ${store.version}`, { 'retry-after': '1' })
  }
  return asked > 0 && isExact ? asked : store.version
}
