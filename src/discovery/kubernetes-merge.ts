import type { RawEndpoint, Slice } from './kubernetes-slice.js'

/**
 * The endpoints that the slices of a service make together. An endpoint may stand in more than one of them, while it is
 * moved from one to another and for each family of a dual-stack service, and is told once: by id and by address. The one
 * that stays is IPv4 rather than IPv6, then ready rather than draining, then of the younger slice; whatever order the
 * slices come in, the result is the same.
 */
export function mergeSlices(slices: Iterable<Slice>): readonly RawEndpoint[] {
  const youngestFirst = [...slices].sort((a, b) => compare(b.createdAt, a.createdAt) || compare(a.name, b.name))
  const inOrder = (['IPv4', 'IPv6'] as const).flatMap((family) => {
    const endpoints = youngestFirst.flatMap((slice) => (slice.family === family ? slice.endpoints : []))
    return [...endpoints.filter(isReady), ...endpoints.filter((endpoint) => !isReady(endpoint))]
  })
  const taken = new Set<string>()
  return inOrder.filter((endpoint) => {
    const names = namesOf(endpoint)
    if (names.some((name) => taken.has(name))) return false
    for (const name of names) taken.add(name)
    return true
  })
}

function isReady({ status }: RawEndpoint): boolean {
  return status === 'ready'
}

/** What nobody else may be called; what is malformed has no such names, so that each is refused for itself. */
function namesOf({ id, host, port }: RawEndpoint): readonly string[] {
  if (typeof host !== 'string' || typeof port !== 'number') return []
  const address = `at ${host} ${port}`
  return typeof id === 'string' ? [`id ${id}`, address] : [address]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
