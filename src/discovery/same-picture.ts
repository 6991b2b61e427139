import { isDeepStrictEqual } from 'node:util'
import type { Endpoint } from '../call/endpoint.js'
import type { Snapshot } from '../call/snapshot.js'

/** Whether two snapshots of a service say the same, whatever their revisions and the order of their endpoints. */
export function samePicture(a: Snapshot, b: Snapshot): boolean {
  if (a.endpoints.length !== b.endpoints.length || !isDeepStrictEqual(a.policy, b.policy)) return false
  // Nearly always the order is the same, and most objects are: ten thousand of them are compared in no time.
  if (a.endpoints.every((endpoint, i) => endpoint === b.endpoints[i] || endpoint.id === b.endpoints[i]!.id)) {
    return a.endpoints.every((endpoint, i) => endpoint === b.endpoints[i] || sameEndpoint(endpoint, b.endpoints[i]!))
  }
  const known = new Map(a.endpoints.map((endpoint) => [endpoint.id, endpoint]))
  return b.endpoints.every((endpoint) => {
    const other = known.get(endpoint.id)
    return endpoint === other || (other !== undefined && sameEndpoint(endpoint, other))
  })
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return (
    a.host === b.host &&
    a.port === b.port &&
    a.weight === b.weight &&
    a.status === b.status &&
    a.zone === b.zone &&
    a.region === b.region &&
    a.priority === b.priority &&
    sameMetadata(a.metadata, b.metadata)
  )
}

function sameMetadata(a: Endpoint['metadata'], b: Endpoint['metadata']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
