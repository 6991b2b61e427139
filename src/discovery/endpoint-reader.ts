import { fields, host, mapOf, oneOf, optionError, port, required, text, weight, wholeNumber, type Reader } from '../base/validate.js'
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

const readFields = fields<EndpointOptions>({
  host,
  port,
  id: text,
  weight,
  status: oneOf('ready', 'draining'),
  zone: text,
  region: text,
  priority: wholeNumber(0, 65_535),
  metadata: mapOf(text, (value, path) => (value === '' ? value : text(value, path))),
})

/** Reads one endpoint, or throws `MESH_ERR_OPTION`. */
export const readEndpoint: Reader<Endpoint> = (entry, path) => {
  const given = readFields(typeof entry === 'string' ? splitAddress(entry, path) : entry, path)
  const at = {
    host: required(given.host, `${path}.host`, 'a host name or an IP address'),
    port: required(given.port, `${path}.port`, 'a whole number from 1 to 65535'),
  }
  return {
    id: given.id ?? addressOf(at),
    ...at,
    weight: given.weight ?? 1,
    status: given.status ?? 'ready',
    zone: given.zone,
    region: given.region,
    priority: given.priority ?? 0,
    metadata: given.metadata ?? {},
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

/** What lists were read as before. An entry that is the same object again is taken to be unchanged. */
export interface EndpointMemory {
  readonly known: WeakMap<object, Endpoint>
  /** The list before, if nothing of it was refused. */
  last?: { readonly entries: readonly unknown[]; readonly endpoints: readonly Endpoint[] } | undefined
}

/** Reads a list entry by entry: one that is malformed, or whose id came before, does not cost the others. */
export function readEndpoints(entries: readonly unknown[], path: string, memory: EndpointMemory = { known: new WeakMap() }): EndpointReading {
  const reading = readAgain(entries, path, memory) ?? readAll(entries, path, memory)
  // A copy, since the list may be somebody else's to change.
  memory.last = reading.refused.length > 0 ? undefined : { entries: entries.slice(), endpoints: reading.endpoints }
  return reading
}

/**
 * Reads a list that names the same endpoints in the same order as the one before; undefined when this one does not. Looks
 * only at what has changed, so that ten thousand others cost next to nothing.
 */
function readAgain(entries: readonly unknown[], path: string, { known, last }: EndpointMemory): EndpointReading | undefined {
  if (last?.entries.length !== entries.length) return undefined
  const endpoints = last.endpoints.slice()
  for (let i = 0; i < entries.length; i++) {
    if (entries[i] === last.entries[i]) continue
    try {
      const endpoint = readOne(entries[i], path, i, known)
      if (endpoint.id !== endpoints[i]!.id) return undefined
      endpoints[i] = endpoint
    } catch {
      return undefined
    }
  }
  return { endpoints, refused: [] }
}

function readAll(entries: readonly unknown[], path: string, { known }: EndpointMemory): EndpointReading {
  const endpoints = new Map<string, Endpoint>()
  const refused: string[] = []
  entries.forEach((entry, i) => {
    try {
      const endpoint = readOne(entry, path, i, known)
      const { id } = endpoint
      if (endpoints.has(id)) refused.push(`${path}[${i}].id: expected one of its own, got '${id}' a second time`)
      else endpoints.set(id, endpoint)
    } catch (error) {
      refused.push((error as Error).message)
    }
  })
  return { endpoints: [...endpoints.values()], refused }
}

function readOne(entry: unknown, path: string, i: number, known: EndpointMemory['known']): Endpoint {
  const isObject = typeof entry === 'object' && entry !== null
  const before = isObject ? known.get(entry) : undefined
  if (before !== undefined) return before
  const endpoint = readEndpoint(entry, `${path}[${i}]`)
  if (isObject) known.set(entry, endpoint)
  return endpoint
}
