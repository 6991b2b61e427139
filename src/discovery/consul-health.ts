/**
 * One entry of `GET /v1/health/service/:service`, as far as it is read
 * ({@link https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service}).
 */
interface HealthEntry {
  readonly Node?: { readonly Node?: unknown; readonly Address?: unknown }
  readonly Service?: {
    readonly ID?: unknown
    readonly Address?: unknown
    readonly Port?: unknown
    readonly Meta?: unknown
    readonly Weights?: { readonly Passing?: unknown; readonly Warning?: unknown } | null
  }
  readonly Checks?: readonly (Check | null)[] | null
}

interface Check {
  readonly CheckID?: unknown
  readonly Status?: unknown
}

interface Meta {
  readonly zone?: unknown
  readonly region?: unknown
  readonly priority?: unknown
}

/**
 * Puts Consul's words into ours. An entry with a critical check is left out, and a warning is served. When fewer than half
 * pass, the checks are doubted and all are served: a Consul that hears nobody's heartbeat must not take a service down, and
 * who is really gone is found out by calling. Maintenance is somebody's will and never doubted. What is malformed passes on,
 * for the resolver to refuse.
 */
export function endpointsOfHealth(entries: readonly unknown[]): readonly unknown[] {
  const wanted = entries.filter((entry) => !isInMaintenance(entry))
  const passing = wanted.filter((entry) => isPassing(entry))
  return (passing.length < wanted.length / 2 ? wanted : passing).map((entry) => endpointOf(entry))
}

function checksOf(entry: unknown): readonly Check[] {
  const checks = (entry as HealthEntry | null)?.Checks
  return Array.isArray(checks) ? checks.map((check: Check | null) => check ?? {}) : []
}

function isPassing(entry: unknown): boolean {
  return checksOf(entry).every(({ Status: status }) => status === 'passing' || status === 'warning')
}

/** Consul's names for a check that is critical because somebody has taken the instance, or its node, out of service. */
function isInMaintenance(entry: unknown): boolean {
  return checksOf(entry).some(({ CheckID: id }) => id === '_node_maintenance' || String(id).startsWith('_service_maintenance'))
}

function endpointOf(entry: unknown): unknown {
  const { Node: node, Service: service } = (entry ?? {}) as HealthEntry
  if (typeof service !== 'object' || service === null) return entry
  const { ID: id, Meta: meta, Weights: weights } = service
  const { place, metadata } = isMap(meta) ? readMeta(meta) : { place: {}, metadata: meta ?? {} }
  return {
    // An id is unique on its node only: by default it is the name of the service.
    id: typeof id === 'string' && typeof node?.Node === 'string' ? `${id}@${node.Node}` : id,
    host: service.Address === '' ? node?.Address : (service.Address ?? node?.Address),
    port: service.Port,
    weight: checksOf(entry).some(({ Status: status }) => status === 'warning') ? weights?.Warning : weights?.Passing,
    ...place,
    metadata,
  }
}

/** Meta has room for anybody's words: under `priority` only a number is taken for ours, and empty is as good as absent. */
function readMeta(meta: Meta): { readonly place: object; readonly metadata: unknown } {
  const { zone, region, ...others } = meta
  const place = { zone: zone === '' ? undefined : zone, region: region === '' ? undefined : region }
  if (typeof others.priority !== 'string' || !/^\d{1,4}$/.test(others.priority)) return { place, metadata: others }
  const { priority, ...metadata } = others
  return { place: { ...place, priority: Number(priority) }, metadata }
}

function isMap(value: unknown): value is Meta {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
