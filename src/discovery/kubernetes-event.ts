import { MeshError } from '../base/errors.js'

/** What a watch says; `GONE`: the server no longer knows the version that was to be watched from. */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly version: string; readonly name: string; readonly object: unknown }
  | { readonly type: 'BOOKMARK'; readonly version: string }
  | { readonly type: 'GONE' }

interface Envelope {
  readonly type?: unknown
  readonly object?: {
    readonly metadata?: { readonly name?: unknown; readonly resourceVersion?: unknown } | null
    readonly code?: unknown
    readonly message?: unknown
  } | null
}

/**
 * Reads one line of a watch. Throws `MESH_ERR_SNAPSHOT` when it is malformed, since a change that cannot be read is a change
 * missed, and `MESH_ERR_REGISTRY` when the server says that the watch has failed.
 * {@link https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes}
 */
export function readWatchEvent(line: string): WatchEvent {
  const { type, object } = parse(line)
  if (type === 'ERROR') {
    if (object?.code === 410) return { type: 'GONE' }
    throw new MeshError('MESH_ERR_REGISTRY', `Kubernetes ended the watch: ${String(object?.message ?? 'for no reason given')}`)
  }
  const { name, resourceVersion: version } = object?.metadata ?? {}
  if (typeof version !== 'string' || version === '') throw malformed('has no resourceVersion')
  if (type === 'BOOKMARK') return { type, version }
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') throw malformed(`is of an unknown type: ${String(type)}`)
  if (typeof name !== 'string' || name === '') throw malformed('is about an object without a name')
  return { type, version, name, object }
}

function parse(line: string): Envelope {
  try {
    return (JSON.parse(line) as Envelope | null) ?? {}
  } catch (cause) {
    throw malformed('is not JSON', cause)
  }
}

function malformed(what: string, cause?: unknown): MeshError {
  return new MeshError('MESH_ERR_SNAPSHOT', `An event of a watch in Kubernetes ${what}`, { cause })
}
