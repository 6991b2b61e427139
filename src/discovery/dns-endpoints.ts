import type { RecordWithTtl, SrvRecord } from 'node:dns'
import type { EndpointOptions } from './endpoint-reader.js'

/** Name of a target → its addresses, as last told. */
export type KnownTargets = ReadonlyMap<string, readonly RecordWithTtl[]>

/** Weight 0 beside others means a very small chance (RFC 2782), where ours means none. */
const SMALL_CHANCE = 0.01

/** Every address at the one port. */
export function endpointsOfAddresses(addresses: readonly RecordWithTtl[], port: number): readonly EndpointOptions[] {
  return hostsOf(addresses).map((host) => ({ host, port }))
}

/**
 * Puts SRV records ({@link https://www.rfc-editor.org/rfc/rfc2782 | RFC 2782}) into our words. The addresses of one target
 * share its weight; a port of 0 passes on, for the resolver to refuse.
 */
export function endpointsOfRecords(records: readonly SrvRecord[], targets: KnownTargets): readonly EndpointOptions[] {
  const least = leastWeights(records)
  return distinct(records).flatMap(({ name, port, priority, weight }) => {
    const hosts = hostsOf(targets.get(targetOf(name)) ?? [])
    const id = `${targetOf(name)}:${port}`
    // Where all are 0, nobody has chosen between them.
    const share = weight > 0 ? weight : (least.get(priority) ?? 1 / SMALL_CHANCE) * SMALL_CHANCE
    const idOf = (host: string): string => (hosts.length === 1 ? id : `${id}/${host}`)
    return hosts.map((host) => ({ id: idOf(host), host, port, weight: share / hosts.length, priority }))
  })
}

/** Names in DNS have no case. */
export function targetOf(name: string): string {
  return name.toLowerCase()
}

function hostsOf(addresses: readonly RecordWithTtl[]): readonly string[] {
  return [...new Set(addresses.map(({ address }) => address))]
}

/** Of several records for one target and port the one that comes first counts: the lowest priority, then the highest weight. */
function distinct(records: readonly SrvRecord[]): readonly SrvRecord[] {
  const inOrder = [...records].sort((a, b) => b.priority - a.priority || a.weight - b.weight)
  return [...new Map(inOrder.map((record) => [`${targetOf(record.name)}:${record.port}`, record])).values()]
}

/** Priority → the least weight above 0. */
function leastWeights(records: readonly SrvRecord[]): ReadonlyMap<number, number> {
  const least = new Map<number, number>()
  for (const { priority, weight } of records) {
    if (weight > 0) least.set(priority, Math.min(weight, least.get(priority) ?? Infinity))
  }
  return least
}
