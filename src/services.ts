import { MeshError } from './base/errors.js'
import type { Timer } from './base/clock.js'
import { isServiceName } from './base/validate.js'
import { Cancellation } from './call/cancellation.js'
import type { CalledServiceOptions } from './called-service-options.js'
import { createService, type Service, type ServiceParts } from './service.js'

const HOST_SUFFIX = '.mesh'

interface Followed {
  readonly service: Service
  usedAt: number
}

/**
 * The services that this process calls. Those that the options name are followed from start to end; others from their first
 * use until they have not been used for a while.
 */
export class Services {
  readonly #options: Readonly<Record<string, CalledServiceOptions>>
  readonly #parts: ServiceParts
  readonly #followed = new Map<string, Followed>()
  #sweeping: Timer | undefined
  #closed = false

  constructor(options: Readonly<Record<string, CalledServiceOptions>>, parts: ServiceParts) {
    this.#options = options
    this.#parts = parts
    for (const name of Object.keys(options)) this.named(name)
  }

  get all(): readonly Service[] {
    return [...this.#followed.values()].map(({ service }) => service)
  }

  named(name: string): Service {
    const { clock, discovery } = this.#parts
    const usedAt = clock.now()
    const known = this.#followed.get(name)
    if (known !== undefined) {
      known.usedAt = usedAt
      return known.service
    }
    if (this.#closed) throw new MeshError('MESH_ERR_CLOSED', 'This mesh is closed: make a new one with createMesh', { service: name })
    const service = createService(name, this.#options[name] ?? {}, this.#parts)
    this.#followed.set(name, { service, usedAt })
    this.#sweeping ??= clock.after(discovery.idleMs, this.#sweep)
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
    this.#sweeping?.cancel()
    await Promise.all(this.all.map((service) => service.close()))
  }

  /**
   * Stops following what nobody calls any more: a watch costs the registry, and an application may call thousands of names.
   * What was learned from a registry that fails now is kept: it could not be learned again.
   */
  #sweep = (): void => {
    const { clock, discovery } = this.#parts
    for (const [name, { service, usedAt }] of this.#followed) {
      if (Object.hasOwn(this.#options, name) || clock.now() - usedAt < discovery.idleMs || service.isCutOff) continue
      this.#followed.delete(name)
      void service.close()
    }
    this.#sweeping = clock.after(discovery.idleMs, this.#sweep)
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
