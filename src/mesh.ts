import { randomUUID } from 'node:crypto'
import { createIssuerKeys } from './auth/keys.js'
import { createIssuerTokens } from './auth/issuer-tokens.js'
import { functionTokens, type TokenSource } from './auth/token-source.js'
import { systemClock, type Clock } from './base/clock.js'
import { MeshError } from './base/errors.js'
import { createHttpClient, type HttpClient } from './base/http.js'
import { systemRandom, type Random } from './base/random.js'
import { TimerWheel } from './base/timer-wheel.js'
import { serviceName } from './base/validate.js'
import { version } from './base/version.js'
import { Ambient } from './call/ambient.js'
import { Cancellation } from './call/cancellation.js'
import { Events, type MeshEvents } from './call/events.js'
import type { Arrival, InboundReply } from './call/inbound.js'
import type { Handler } from './call/layer.js'
import { ServiceClient } from './client.js'
import { createRegistrar } from './discovery/registrar.js'
import { meshFetch } from './dispatcher/fetch.js'
import { MeshDispatcher } from './dispatcher/mesh-dispatcher.js'
import { createInbound, type InboundHost, type InboundMesh, type InboundOptions } from './inbound.js'
import { readInstance, type RegisterOptions } from './instance-options.js'
import { readMeshOptions, type MeshOptions, type MeshSettings } from './mesh-options.js'
import { Drain } from './resilience/drain.js'
import { createService, type Service, type ServiceExplanation, type ServiceParts, type ServiceReport } from './service.js'
import { Tracing } from './telemetry/tracing.js'

/** What the mesh knows at this moment: plain data, without secrets. */
export interface MeshSnapshot {
  readonly service: string
  readonly registry: string
  /** Ids under which this process stands in the registry. */
  readonly instances: readonly string[]
  readonly draining: boolean
  readonly services: Readonly<Record<string, ServiceReport>>
}

/** What {@link createMesh} takes time and chance from. */
export interface MeshGround {
  readonly clock: Clock
  readonly random: Random
}

const HOST_SUFFIX = '.mesh'

/** A service's own part of the mesh: calls to others, and the door for their calls. */
export class Mesh implements InboundMesh, AsyncDisposable {
  /** `fetch` of the platform, through the mesh: `mesh.fetch('http://users/users/42')`. */
  readonly fetch: typeof globalThis.fetch
  /** The mesh as an undici Dispatcher, for every client that takes one. */
  readonly dispatcher: MeshDispatcher
  readonly #settings: MeshSettings
  readonly #events = new Events()
  readonly #http: HttpClient
  readonly #tokens: TokenSource | undefined
  readonly #parts: ServiceParts
  readonly #host: InboundHost
  readonly #registrar: ReturnType<typeof createRegistrar>
  readonly #services = new Map<string, Service>()
  #closing: Promise<void> | undefined

  constructor(settings: MeshSettings, { clock, random }: MeshGround) {
    this.#settings = settings
    const { registry, identity, service } = settings
    this.#http = createHttpClient()
    const access = identity.issuer === undefined ? undefined : { issuer: identity.issuer, http: this.#http, timeoutMs: 5_000, clock, random }
    if (identity.token !== undefined) this.#tokens = functionTokens(identity.token)
    else if (access !== undefined && identity.clientSecret !== undefined) {
      this.#tokens = createIssuerTokens({ ...access, service, clientSecret: identity.clientSecret, tokenEndpoint: undefined })
    }
    const tracing = new Tracing(version)
    const ambient = new Ambient()
    const shared = { clock, random, events: this.#events, tracing, ambient, registry }
    this.#parts = { ...shared, wheel: new TimerWheel(clock), tokens: this.#tokens, transport: settings.transport }
    this.#host = {
      ...shared,
      service,
      drain: new Drain(),
      verification: access === undefined ? undefined : { issuer: access.issuer, keys: createIssuerKeys({ ...access, jwksUrl: undefined }) },
    }
    this.#registrar = createRegistrar(shared)
    this.dispatcher = new MeshDispatcher({
      unknownHosts: settings.unknownHosts,
      serviceFor: (origin, cancellation) => this.#serviceFor(origin, cancellation),
      send: (name, request) => this.#serviceNamed(name).send(request),
    })
    this.fetch = meshFetch(this.dispatcher)
    for (const name of Object.keys(settings.services)) this.#serviceNamed(name)
  }

  /** Calls to one service. The name need not be known yet: its first call waits for the registry. Throws `MESH_ERR_OPTION`. */
  service(name: string): ServiceClient {
    const called = serviceName(name, 'service')
    return new ServiceClient((request) => this.#serviceNamed(called).send(request))
  }

  /**
   * Fulfils when the registry has told about every service named in `services`. Rejects with `MESH_ERR_NOT_READY` after
   * `readyTimeoutMs`; calls wait for themselves and need not be held back for it.
   */
  async ready(): Promise<void> {
    const { readyTimeoutMs, registry } = this.#settings
    const patience = new Cancellation()
    const timer = this.#parts.clock.afterHolding(readyTimeoutMs, () => {
      const silent = [...this.#services.values()].filter((service) => !service.known).map(({ name }) => name)
      const message = `Registry '${registry.name}' has told nothing about ${silent.join(', ')} within readyTimeoutMs of ${readyTimeoutMs}; is it reachable?`
      patience.cancel(new MeshError('MESH_ERR_NOT_READY', message))
    })
    try {
      await Promise.all([...this.#services.values()].map((service) => service.whenKnown(patience)))
    } finally {
      timer.cancel()
    }
  }

  /**
   * Puts this process into the registry and keeps it there, whatever becomes of the registry; fulfils with the first
   * success. Bad options reject with `MESH_ERR_OPTION`.
   */
  async register(options: RegisterOptions): Promise<void> {
    const { service, zone } = this.#settings
    this.#throwIfClosed()
    await this.#registrar.register(readInstance(options, { service, zone, id: `${service}-${randomUUID().slice(0, 8)}` }))
  }

  /** Listens to the news of the mesh; the function that comes back ends it. */
  on<K extends keyof MeshEvents>(name: K, listener: (event: MeshEvents[K]) => void): () => void {
    return this.#events.on(name, listener)
  }

  /** The way in, for the edges of the web frameworks. */
  inbound(options: InboundOptions): Handler<Arrival, InboundReply> {
    return createInbound(this.#host, options)
  }

  /** What the mesh knows at this moment. */
  snapshot(): MeshSnapshot {
    return {
      service: this.#settings.service,
      registry: this.#settings.registry.name,
      instances: this.#registrar.instances,
      draining: this.#host.drain.draining,
      services: Object.fromEntries([...this.#services].map(([name, service]) => [name, service.report()])),
    }
  }

  /** Why calls to a service go as they do: every value in force with its origin, and every endpoint with its state. */
  explain(name: string): ServiceExplanation {
    return this.#serviceNamed(serviceName(name, 'service')).explain()
  }

  /**
   * Leaves the registry, lets what is under way end, and closes every connection. Harmless when repeated; nothing of
   * the mesh then keeps the process alive.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await this.#registrar.deregister()
    this.#host.drain.begin()
    await Promise.all([...this.#services.values()].map((service) => service.close()))
    this.#tokens?.close?.()
    await Promise.all([this.dispatcher.close(), this.#http.close()])
  }

  #serviceNamed(name: string): Service {
    const known = this.#services.get(name)
    if (known !== undefined) return known
    this.#throwIfClosed()
    const service = createService(name, this.#settings.services[name] ?? {}, this.#parts)
    this.#services.set(name, service)
    return service
  }

  /** `http://users.mesh`, `http://users` if `users` is configured, or if the registry has ever named an instance of it. */
  #serviceFor(origin: URL, cancellation: Cancellation): string | undefined | Promise<string | undefined> {
    const { hostname, port, protocol } = origin
    const explicit = hostname.endsWith(HOST_SUFFIX)
    const name = explicit ? hostname.slice(0, -HOST_SUFFIX.length) : hostname
    if (!explicit && (port !== '' || protocol !== 'http:' || !isServiceName(name))) return undefined
    if (explicit || Object.hasOwn(this.#settings.services, name)) return name
    const service = this.#serviceNamed(name)
    if (service.seen) return name
    if (service.known) return undefined
    return this.#firstNews(service, cancellation)
  }

  async #firstNews(service: Service, cancellation: Cancellation): Promise<string | undefined> {
    const spent = new MeshError('MESH_ERR_NOT_READY', `The registry has not said in time whether '${service.name}' is a service; is it reachable?`)
    const timer = this.#parts.wheel.after(service.effective.policy.timeoutMs, () => cancellation.cancel(spent))
    try {
      await service.whenKnown(cancellation)
    } finally {
      timer.cancel()
    }
    return service.seen ? service.name : undefined
  }

  #throwIfClosed(): void {
    if (this.#closing !== undefined) throw new MeshError('MESH_ERR_CLOSED', 'This mesh is closed: make a new one with createMesh')
  }
}

function isServiceName(hostname: string): boolean {
  return hostname !== 'localhost' && /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(hostname)
}

/** Makes a service's part of the mesh. It starts to follow the services that the options name; the rest begins when first used. Throws `MESH_ERR_OPTION`. */
export function createMesh(options: MeshOptions, ground: MeshGround = { clock: systemClock, random: systemRandom }): Mesh {
  return new Mesh(readMeshOptions(options), ground)
}
