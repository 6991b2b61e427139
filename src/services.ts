import { MeshError } from './base/errors.js'
import { isServiceName } from './base/validate.js'
import { Cancellation } from './call/cancellation.js'
import type { ServiceOptions } from './call/policy.js'
import { createService, type Service, type ServiceParts } from './service.js'

const HOST_SUFFIX = '.mesh'

/** The services that this process calls. Each is followed from its first use on; those that the options name, from the start. */
export class Services {
  readonly #options: Readonly<Record<string, ServiceOptions>>
  readonly #parts: ServiceParts
  readonly #services = new Map<string, Service>()
  #closed = false

  constructor(options: Readonly<Record<string, ServiceOptions>>, parts: ServiceParts) {
    this.#options = options
    this.#parts = parts
    for (const name of Object.keys(options)) this.named(name)
  }

  get all(): readonly Service[] {
    return [...this.#services.values()]
  }

  named(name: string): Service {
    const known = this.#services.get(name)
    if (known !== undefined) return known
    if (this.#closed) throw new MeshError('MESH_ERR_CLOSED', 'This mesh is closed: make a new one with createMesh', { service: name })
    const service = createService(name, this.#options[name] ?? {}, this.#parts)
    this.#services.set(name, service)
    return service
  }

  /** Fulfils when the registry has told about every service that is followed; rejects with `MESH_ERR_NOT_READY`. */
  async whenKnown(timeoutMs: number): Promise<void> {
    const patience = new Cancellation()
    const timer = this.#parts.clock.afterHolding(timeoutMs, () => {
      const silent = this.all.filter(({ known }) => !known).map(({ name }) => name)
      const message = `Registry '${this.#parts.registry.name}' has told nothing about ${silent.join(', ')} within readyTimeoutMs of ${timeoutMs}; is it reachable?`
      patience.cancel(new MeshError('MESH_ERR_NOT_READY', message))
    })
    try {
      await Promise.all(this.all.map((service) => service.whenKnown(patience)))
    } finally {
      timer.cancel()
    }
  }

  /**
   * The service that a URL means: `http://users.mesh` always does; `http://users` does if `users` is configured, or if the
   * registry has ever named an instance of it.
   */
  meantBy(origin: URL, cancellation: Cancellation): string | undefined | Promise<string | undefined> {
    const { hostname, port, protocol } = origin
    const explicit = hostname.endsWith(HOST_SUFFIX)
    const name = explicit ? hostname.slice(0, -HOST_SUFFIX.length) : hostname
    if (!isServiceName(name)) return undefined
    if (explicit) return name
    if (name === 'localhost' || port !== '' || protocol !== 'http:') return undefined
    if (Object.hasOwn(this.#options, name)) return name
    const service = this.named(name)
    if (service.seen) return name
    return service.known ? undefined : this.#firstNews(service, cancellation)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.all.map((service) => service.close()))
  }

  async #firstNews(service: Service, cancellation: Cancellation): Promise<string | undefined> {
    const { registry, wheel } = this.#parts
    const message = `Registry '${registry.name}' has not said in time whether '${service.name}' is a service; is it reachable?`
    const timer = wheel.after(service.effective.policy.timeoutMs, () => cancellation.cancel(new MeshError('MESH_ERR_NOT_READY', message)))
    try {
      await service.whenKnown(cancellation)
    } finally {
      timer.cancel()
    }
    return service.seen ? service.name : undefined
  }
}
