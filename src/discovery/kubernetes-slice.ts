import { MeshError } from '../base/errors.js'
import { SCHEME } from '../call/endpoint.js'

/** One EndpointSlice as far as it is read, its endpoints in our words but not checked yet. */
export interface Slice {
  readonly name: string
  readonly family: 'IPv4' | 'IPv6'
  /** RFC 3339, so that it sorts as text; empty when it is not told. */
  readonly createdAt: string
  readonly endpoints: readonly RawEndpoint[]
}

/** What becomes of one endpoint; anything in it may be malformed, which the resolver refuses. */
export interface RawEndpoint {
  readonly id: unknown
  readonly host: unknown
  readonly port: unknown
  readonly status: unknown
  readonly zone: unknown
  readonly metadata: Readonly<Record<string, string>>
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads an EndpointSlice ({@link https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/}),
 * or throws `MESH_ERR_SNAPSHOT`. What is malformed in a single endpoint passes on, for the resolver to refuse. A slice of
 * host names has no defined meaning and so no endpoints.
 */
export function readSlice(object: unknown, port: string | number | undefined): Slice {
  const { metadata, addressType, endpoints, ports } = fieldsOf(object)
  const { name, creationTimestamp } = fieldsOf(metadata)
  if (typeof name !== 'string' || name === '') throw malformed('metadata.name', 'a name', name)
  if (typeof addressType !== 'string') throw malformed(`${name}: addressType`, 'an address type', addressType)
  const listed = listOrNone(endpoints, `${name}: endpoints`)
  const chosen = choosePort(listOrNone(ports, `${name}: ports`), port)
  const isKnown = addressType === 'IPv4' || addressType === 'IPv6'
  return {
    name,
    family: addressType === 'IPv6' ? 'IPv6' : 'IPv4',
    createdAt: typeof creationTimestamp === 'string' ? creationTimestamp : '',
    endpoints: isKnown ? listed.flatMap((endpoint) => readEndpoint(fieldsOf(endpoint), chosen)) : [],
  }
}

/** The port of the number or name wanted, else the only one, else `http`; one of a number need not be listed. */
function choosePort(ports: readonly unknown[], wanted: string | number | undefined): Fields {
  const usable = ports.map(fieldsOf).filter(({ protocol }) => (protocol ?? 'TCP') === 'TCP')
  if (typeof wanted === 'number') return usable.find(({ port }) => port === wanted) ?? { port: wanted }
  if (wanted === undefined && usable.length === 1) return usable[0]!
  return usable.find(({ name }) => name === (wanted ?? 'http')) ?? {}
}

function readEndpoint(endpoint: Fields, { port, appProtocol }: Fields): readonly RawEndpoint[] {
  const { addresses, conditions, targetRef, zone, nodeName, hints } = endpoint
  const status = statusOf(conditions ?? {})
  if (status === undefined) return []
  const { kind, name } = fieldsOf(targetRef)
  const forZones = zonesOf(fieldsOf(hints)['forZones'])
  const isLent = forZones.length === 1 && forZones[0] !== zone
  return [
    {
      id: kind === 'Pod' ? name : undefined,
      // Those after the first have no defined meaning.
      host: Array.isArray(addresses) ? (addresses[0] as unknown) : addresses,
      port,
      status,
      // The platform may lend an endpoint to the callers of another zone: for them it is near, and for its own it is not.
      zone: isLent ? forZones[0] : (zone ?? undefined),
      metadata: {
        ...(typeof nodeName === 'string' && { nodeName }),
        ...(forZones.length > 0 && { forZones: forZones.join(',') }),
        // `http` does not say that there is no TLS: it is the protocol within, and other meshes encrypt it all the same.
        ...(appProtocol === 'https' && { [SCHEME]: 'https' }),
      },
    },
  ]
}

/**
 * What the conditions mean for a caller, undefined when there is nobody to be called; what is no condition is no
 * status either. One that nobody has told is taken as the reference says. A service may publish addresses that are
 * not ready: then `ready` is true whatever `serving` says.
 */
function statusOf(conditions: unknown): unknown {
  const { ready, serving, terminating } = fieldsOf(conditions)
  const told = [ready ?? true, serving ?? true, terminating ?? false]
  if (!isObject(conditions) || !told.every((condition) => typeof condition === 'boolean')) return { conditions }
  const [isReady, isServing, isTerminating] = told
  if (isTerminating === true) return isServing === true ? 'draining' : undefined
  return isReady === true ? 'ready' : undefined
}

/** Names of zones; what is malformed in a hint is no reason to lose an endpoint. */
function zonesOf(forZones: unknown): readonly string[] {
  const names = Array.isArray(forZones) ? forZones.map((zone) => fieldsOf(zone)['name']) : []
  return names.filter((name) => typeof name === 'string')
}

function listOrNone(value: unknown, path: string): readonly unknown[] {
  // An empty list is written as null by servers in Go.
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw malformed(path, 'a list', value)
  return value
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fieldsOf(value: unknown): Fields {
  return isObject(value) ? value : {}
}

function malformed(path: string, expected: string, value: unknown): MeshError {
  const got = value === null ? 'null' : typeof value
  return new MeshError('MESH_ERR_SNAPSHOT', `An EndpointSlice is malformed: ${path}: expected ${expected}, got ${got}`)
}
