import { httpPort, reachableHost } from '../base/reachable.js'
import { knownFields, mapOf, member, oneOf, optionError, text, weight, wholeNumber, type Reader } from '../base/validate.js'
import { addressOf, type Endpoint } from '../call/endpoint.js'

/** An endpoint as people and registries write it. */
export interface EndpointOptions {
  /** Host name or IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Unique within the service. Default `host:port`. */
  readonly id?: string | undefined
  /** Share of the traffic relative to the other endpoints, 0–65535. Default 1; 0 means none. */
  readonly weight?: number | undefined
  /** Default `'ready'`. */
  readonly status?: 'ready' | 'draining' | undefined
  /** Availability zone. */
  readonly zone?: string | undefined
  readonly region?: string | undefined
  /** 0–65535: lower ones come first, higher ones stand by. Default 0. */
  readonly priority?: number | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** `'127.0.0.1:8081'`, `'[::1]:8081'`, or the same with more to say. */
export type EndpointEntry = string | EndpointOptions

const ADDRESS = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/i

const known = knownFields<EndpointOptions>('host', 'port', 'id', 'weight', 'status', 'zone', 'region', 'priority', 'metadata')
const readStatus = oneOf('ready', 'draining')
const readPriority = wholeNumber(0, 65_535)
const readMetadata = mapOf(text, (value, path) => (value === '' ? value : text(value, path)))

const NO_METADATA: Endpoint['metadata'] = Object.freeze({})

/** Reads one endpoint, or throws `MESH_ERR_OPTION`. */
export const readEndpoint: Reader<Endpoint> = (entry, path) => {
  // Field by field, without a copy in between: there may be ten thousand of them at once.
  const given = known(typeof entry === 'string' ? splitAddress(entry, path) : entry, path)
  const { id, weight: share, status, zone, region, priority, metadata } = given
  const at = { host: reachableHost(given.host, member(path, 'host')), port: httpPort(given.port, member(path, 'port')) }
  return {
    id: id === undefined ? addressOf(at) : text(id, member(path, 'id')),
    host: at.host,
    port: at.port,
    weight: share === undefined ? 1 : weight(share, member(path, 'weight')),
    status: status === undefined ? 'ready' : readStatus(status, member(path, 'status')),
    zone: zone === undefined ? undefined : text(zone, member(path, 'zone')),
    region: region === undefined ? undefined : text(region, member(path, 'region')),
    priority: priority === undefined ? 0 : readPriority(priority, member(path, 'priority')),
    metadata: metadata === undefined ? NO_METADATA : readMetadata(metadata, member(path, 'metadata')),
  }
}

function splitAddress(address: string, path: string): { host: string; port: number } {
  const parts = ADDRESS.exec(address)
  if (parts === null) throw optionError(path, "an address such as 'host:port' or '[::1]:port'", address)
  return { host: (parts[1] ?? parts[2])!, port: Number(parts[3]) }
}

/** What could be read of a list, and why the rest could not. */
export interface EndpointReading {
  readonly endpoints: readonly Endpoint[]
  readonly refused: readonly string[]
}

/** What the list before was read as. An entry that is the same object again is taken to be unchanged. */
export interface EndpointMemory {
  /** Those of its entries that were taken, each beside what it was read as. */
  last?: { readonly entries: readonly unknown[]; readonly endpoints: readonly Endpoint[] } | undefined
}

/** Reads a list entry by entry: one that is malformed, or whose id came before, does not cost the others. */
export function readEndpoints(entries: readonly unknown[], path: string, memory: EndpointMemory = {}): EndpointReading {
  return readAgain(entries, path, memory) ?? readAll(entries, path, memory)
}

/**
 * Reads a list that names the same endpoints in the same order as the one before; undefined when this one does not. Looks
 * only at what has changed, so that ten thousand others cost next to nothing.
 */
function readAgain(entries: readonly unknown[], path: string, memory: EndpointMemory): EndpointReading | undefined {
  const { last } = memory
  if (last?.entries.length !== entries.length) return undefined
  const endpoints = last.endpoints.slice()
  for (let i = 0; i < entries.length; i++) {
    if (entries[i] === last.entries[i]) continue
    try {
      const endpoint = readOne(entries[i], path, i)
      if (endpoint.id !== endpoints[i]!.id) return undefined
      endpoints[i] = endpoint
    } catch {
      return undefined
    }
  }
  // A copy, since the list may be somebody else's to change.
  memory.last = { entries: entries.slice(), endpoints }
  return { endpoints, refused: [] }
}

function readAll(entries: readonly unknown[], path: string, memory: EndpointMemory): EndpointReading {
  const before = new Map(memory.last?.entries.map((entry, i) => [entry, memory.last!.endpoints[i]!]))
  const ids = new Set<string>()
  const taken: unknown[] = []
  const endpoints: Endpoint[] = []
  const refused: string[] = []
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]
    try {
      const endpoint = before.get(entry) ?? readOne(entry, path, i)
      const { id } = endpoint
      if (ids.has(id)) refused.push(`${path}[${i}].id: expected one of its own, got '${id}' a second time`)
      else {
        ids.add(id)
        taken.push(entry)
        endpoints.push(endpoint)
      }
    } catch (error) {
      refused.push((error as Error).message)
    }
  }
  memory.last = { entries: taken, endpoints }
  return { endpoints, refused }
}

function readOne(entry: unknown, path: string, i: number): Endpoint {
  try {
    return readEndpoint(entry, '')
  } catch {
    // Where it stands is put into words only for the few that are refused.
    return readEndpoint(entry, `${path}[${i}]`)
  }
}
