import type { ServiceOptions } from '../call/policy.js'
import { Bell } from './bell.js'
import type { EndpointEntry } from './endpoint-reader.js'
import type { Instance, Registration, Registry } from './registry.js'
import { listedServices, type ServiceEntry } from './services-reader.js'

/** A registry that lives in this process. */
export interface MemoryRegistry extends Registry {
  /**
   * Makes this the whole truth about a service, as if somebody else had written it: instances that had registered are
   * lost. Nothing is checked here, so that a test can tell nonsense as a real registry might.
   */
  set(service: string, endpoints: readonly EndpointEntry[], policy?: ServiceOptions): void
  /** Makes a service have no endpoints and no policy. */
  remove(service: string): void
}

interface MemoryService {
  revision: number
  endpoints: readonly unknown[]
  policy: unknown
  readonly instances: Map<string, { readonly instance: Instance; readonly lose: (reason: Error) => void }>
  readonly changed: Bell
}

/**
 * A registry in memory, for tests and for services that share one process: what registers is seen at once by whoever
 * watches. Throws `MESH_ERR_OPTION` when `initial` is malformed.
 */
export function memory(initial: Readonly<Record<string, ServiceEntry>> = {}): MemoryRegistry {
  const services = new Map<string, MemoryService>()

  const find = (name: string): MemoryService => {
    const service = services.get(name) ?? { revision: 1, endpoints: [], policy: {}, instances: new Map(), changed: new Bell() }
    services.set(name, service)
    return service
  }
  const tell = (service: MemoryService): void => {
    service.revision++
    service.changed.ring()
  }
  const set = (name: string, endpoints: readonly unknown[], policy: unknown = {}): void => {
    const service = find(name)
    Object.assign(service, { endpoints, policy })
    for (const { lose } of service.instances.values()) lose(new Error(`the registry was given another list of '${name}'`))
    service.instances.clear()
    tell(service)
  }

  for (const [name, { endpoints, policy }] of Object.entries(listedServices(initial, 'memory'))) set(name, endpoints, policy)

  return {
    name: 'memory',
    authoritative: true,
    set,
    remove: (name) => set(name, []),

    async *watch(name, { signal }) {
      const service = find(name)
      for (let seen = 0; !signal.aborted; ) {
        if (seen === service.revision) await service.changed.rung(signal)
        else yield { revision: (seen = service.revision), endpoints: endpointsOf(service), policy: service.policy }
      }
    },

    async register(instance, { signal }): Promise<Registration> {
      signal.throwIfAborted()
      const service = find(instance.service)
      let lose!: (reason: Error) => void
      const lost = new Promise<Error>((resolve) => (lose = resolve))
      const place = { instance, lose }
      service.instances.set(instance.id, place)
      tell(service)
      return {
        lost,
        async deregister() {
          if (service.instances.get(instance.id) !== place) return
          service.instances.delete(instance.id)
          tell(service)
        },
      }
    },
  }
}

function endpointsOf({ endpoints, instances }: MemoryService): readonly unknown[] {
  const registered = [...instances.values()].map(({ instance: { id, host, port, weight, zone, region, metadata } }) => ({
    id,
    host: host ?? '127.0.0.1',
    port,
    weight,
    zone,
    region,
    metadata,
  }))
  return instances.size === 0 ? endpoints : [...endpoints, ...registered]
}
