import { addressOf } from '../../call/endpoint.js'
import type { Catalog } from '../registry/catalog.js'
import { NODE_NAME } from '../registry/consul-answer.js'
import { statusOf, type Service } from '../registry/service.js'
import type { InstanceStatus } from './answers.js'

/** An instance as the registry has it. */
export interface RegisteredInstance {
  readonly service: string
  readonly id: string
  readonly address: string
  readonly zone: string | null
  readonly weight: number
  readonly version: string | null
  readonly status: InstanceStatus
}

const AT_NODE = `@${NODE_NAME}`

/** The id by which an instance registered: clients of Consul that must tell nodes apart add the node's name to it. */
export function registeredId(id: string): string {
  return id.endsWith(AT_NODE) ? id.slice(0, -AT_NODE.length) : id
}

/** Far more names than a mesh has; those that come later look as if they had never been registered. */
const MAX_NAMES = 10_000

/** The registry's instances, read anew only after it has changed. */
export class Registered {
  readonly #catalog: Catalog
  readonly #everNamed = new Set<string>()
  #index = -1
  #byService = new Map<string, Map<string, RegisteredInstance>>()
  #byAddress = new Map<string, RegisteredInstance>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
    // A service may come and go between two questions.
    catalog.onChange(() => this.#note(catalog.names))
  }

  /** Every service that has an instance. */
  names(): Iterable<string> {
    this.#refresh()
    return this.#byService.keys()
  }

  /** The instances of one service, by id. */
  of(service: string): ReadonlyMap<string, RegisteredInstance> {
    this.#refresh()
    return this.#byService.get(service) ?? new Map()
  }

  /** Who is registered at `host:port`. */
  at(address: string): RegisteredInstance | undefined {
    this.#refresh()
    return this.#byAddress.get(address)
  }

  /** Whether a service of this name has been here. */
  hasHad(service: string): boolean {
    return this.#everNamed.has(service)
  }

  #note(names: readonly string[]): void {
    for (const name of names) if (this.#everNamed.size < MAX_NAMES) this.#everNamed.add(name)
  }

  #refresh(): void {
    if (this.#catalog.index === this.#index) return
    this.#index = this.#catalog.index
    this.#byService = new Map()
    this.#byAddress = new Map()
    for (const service of this.#catalog.services) {
      const instance = instanceOf(service)
      const known = this.#byService.get(instance.service) ?? new Map<string, RegisteredInstance>()
      this.#byService.set(instance.service, known.set(instance.id, instance))
      this.#byAddress.set(instance.address, instance)
    }
  }
}

function instanceOf(service: Service): RegisteredInstance {
  const { id, name, address, port, meta, weights } = service.definition
  return {
    service: name,
    id,
    // Without an address it is on the registry's own machine.
    address: addressOf({ host: address || '127.0.0.1', port }),
    zone: meta['zone'] ?? null,
    weight: weights.passing,
    version: meta['version'] ?? null,
    status: statusIn(service),
  }
}

function statusIn(service: Service): InstanceStatus {
  if (service.checks.has(`_service_maintenance:${service.definition.id}`)) return 'draining'
  return statusOf(service) === 'critical' ? 'critical' : 'passing'
}
