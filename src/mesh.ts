import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { JsonWebKey } from './auth/json-web-key.js'
import { systemClock, type Clock } from './base/clock.js'
import { MeshError } from './base/errors.js'
import { createHttpClient, type HttpClient } from './base/http.js'
import { systemRandom, type Random } from './base/random.js'
import { TimerWheel } from './base/timer-wheel.js'
import { serviceName } from './base/validate.js'
import { version } from './base/version.js'
import { Ambient } from './call/ambient.js'
import type { BreakerCircuit } from './call/breaker-circuit.js'
import { Events, type MeshEvents } from './call/events.js'
import type { Arrival, InboundReply } from './call/inbound.js'
import type { Handler } from './call/layer.js'
import { ServiceClient } from './client.js'
import { createRegistrar } from './discovery/registrar.js'
import { meshFetch } from './dispatcher/fetch.js'
import { MeshDispatcher } from './dispatcher/mesh-dispatcher.js'
import { openIdentity, type OpenIdentity } from './identity.js'
import { createInbound, type InboundHost, type InboundMesh, type InboundOptions } from './inbound.js'
import { readInstance, type RegisterOptions } from './instance-options.js'
import { readMeshOptions, type MeshOptions, type MeshSettings } from './mesh-options.js'
import { AttachedServer } from './lifecycle/attached-server.js'
import { readSignalOptions, type DrainOptions, type SignalOptions } from './lifecycle/drain-options.js'
import type { MeshHealth } from './lifecycle/health.js'
import { Shutdown } from './lifecycle/shutdown.js'
import { onSignals } from './lifecycle/signals.js'
import { Drain } from './resilience/drain.js'
import type { ShedCounts } from './resilience/shed.js'
import type { ServiceExplanation, ServiceReport } from './service.js'
import { Services } from './services.js'
import { Tracing } from './telemetry/tracing.js'

/** What the mesh knows at this moment: plain data, without secrets. */
export interface MeshSnapshot {
  readonly service: string
  readonly registry: string
  /** Ids under which this process stands in the registry. */
  readonly instances: readonly string[]
  readonly draining: boolean
  /** Requests that are being answered, and how many were refused since the start because there was too much to do. */
  readonly inbound: { readonly inFlight: number; readonly shed: Readonly<ShedCounts> }
  readonly services: Readonly<Record<string, ServiceReport>>
}

/** What {@link createMesh} takes time and chance from. */
export interface MeshGround {
  readonly clock: Clock
  readonly random: Random
}

/** A service's own part of the mesh: calls to others, and the door for their calls. */
export class Mesh implements InboundMesh, AsyncDisposable {
  /** `fetch` of the platform, through the mesh: `mesh.fetch('http://users/users/42')`. */
  readonly fetch: typeof globalThis.fetch
  /** The mesh as an undici Dispatcher, for every client that takes one. */
  readonly dispatcher: MeshDispatcher
  readonly #settings: MeshSettings
  readonly #events = new Events()
  readonly #http: HttpClient
  readonly #identity: OpenIdentity
  readonly #host: InboundHost
  readonly #registrar: ReturnType<typeof createRegistrar>
  readonly #services: Services
  readonly #servers: AttachedServer[] = []
  readonly #shutdown: Shutdown
  readonly #ambient = new Ambient()
  #closing: Promise<void> | undefined

  constructor(settings: MeshSettings, { clock, random }: MeshGround) {
    this.#settings = settings
    const { registry, identity, service } = settings
    this.#http = createHttpClient(systemClock, {}, 'services')
    this.#identity = openIdentity(identity, { service, http: this.#http, clock, random, events: this.#events })
    const tracing = new Tracing(version)
    const shared = { clock, wheel: new TimerWheel(clock), random, events: this.#events, tracing, ambient: this.#ambient, registry }
    this.#services = new Services(settings.services, {
      ...shared,
      tokens: this.#identity.tokens,
      here: { zone: settings.zone, region: settings.region },
      clientId: randomUUID(),
      discovery: settings.discovery,
      transport: settings.transport,
    })
    this.#host = {
      ...shared,
      service,
      drain: new Drain(),
      faultInjection: settings.faultInjection,
      shedCounts: { critical: 0, normal: 0, low: 0 },
      health: () => this.health(),
      verification: this.#identity.verification,
    }
    this.#registrar = createRegistrar(shared)
    this.#shutdown = new Shutdown({
      clock,
      registrar: this.#registrar,
      propagationMs: registry.propagationMs ?? 0,
      drain: this.#host.drain,
      servers: this.#servers,
      close: () => this.close(),
    })
    this.dispatcher = new MeshDispatcher({
      unknownHosts: settings.unknownHosts,
      serviceFor: (origin, cancellation) => this.#services.meantBy(origin, cancellation),
      send: async (name, request) => this.#services.named(name).send(request),
    })
    this.fetch = meshFetch(this.dispatcher)
  }

  /** Calls to one service. The name need not be known yet: its first call waits for the registry. Throws `MESH_ERR_OPTION`. */
  service(name: string): ServiceClient {
    const called = serviceName(name, 'service')
    return new ServiceClient(async (request) => this.#services.named(called).send(request))
  }

  /**
   * Fulfils when the registry has told about every service named in `services`. Rejects with `MESH_ERR_NOT_READY` after
   * `readyTimeoutMs`; calls wait for themselves and need not be held back for it.
   */
  async ready(): Promise<void> {
    await this.#services.whenKnown(this.#settings.readyTimeoutMs)
  }

  /**
   * Puts this process into the registry and keeps it there, whatever becomes of the registry; fulfils with the first
   * success. Bad options reject with `MESH_ERR_OPTION`.
   */
  register(options: RegisterOptions): Promise<void> {
    const { service, zone, region } = this.#settings
    try {
      this.#throwIfClosed()
      return this.#registrar.register(readInstance(options, { service, zone, region, id: `${service}-${randomUUID().slice(0, 8)}` }))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Lets the mesh end the connections of this server in order when it drains, and keeps idle ones long enough that clients
   * give them up first. The Fastify edge does it by itself; for Express it is `mesh.attach(app.listen(port))`.
   */
  attach(server: Server): void {
    if (this.#servers.some((attached) => attached.isFor(server))) return
    this.#servers.push(new AttachedServer(server))
  }

  /**
   * Ends this process's part without losing a request: leaves the registry, goes on serving until the callers have heard of
   * it, refuses what still comes so that it goes elsewhere, lets what is under way finish, and closes the mesh. Harmless
   * when repeated: the first one's options hold. Rejects with `MESH_ERR_OPTION`.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    return this.#shutdown.finish(options)
  }

  /** The first half of {@link drain}, for a framework that closes its server itself: fulfils when nobody should be sending any more. */
  leave(options: DrainOptions = {}): Promise<void> {
    return this.#shutdown.leave(options)
  }

  /**
   * Drains on SIGTERM and SIGINT, and then ends the process; a second signal ends it at once. The function that comes back
   * undoes it. Throws `MESH_ERR_OPTION`.
   */
  handleSignals(options: SignalOptions = {}): () => void {
    const { drained = () => {}, ...drain } = readSignalOptions(options)
    return onSignals(() => this.#shutdown.finishWith(drain, drained))
  }

  /** Whether this process should be given requests. */
  health(): MeshHealth {
    if (this.#closing !== undefined) return { status: 'closed', ready: false }
    return this.#shutdown.begun ? { status: 'draining', ready: false } : { status: 'serving', ready: true }
  }

  /** Listens to the news of the mesh; the function that comes back ends it. */
  on<K extends keyof MeshEvents>(name: K, listener: (event: MeshEvents[K]) => void): () => void {
    return this.#events.on(name, listener)
  }

  /** The way in, for the edges of the web frameworks. */
  inbound(options: InboundOptions): Handler<Arrival, InboundReply> {
    return createInbound(this.#host, options)
  }

  /** The public keys of `identity.token: selfSigned(…)`, as a JWK set (RFC 7517) for others to fetch; without that, none. */
  jwks(): { readonly keys: readonly JsonWebKey[] } {
    return { keys: (this.#identity.tokens?.jwks?.keys ?? []).map((key) => ({ ...key })) }
  }

  /** What the mesh knows at this moment. */
  snapshot(): MeshSnapshot {
    return {
      service: this.#settings.service,
      registry: this.#settings.registry.name,
      instances: this.#registrar.instances,
      draining: this.#shutdown.begun,
      inbound: { inFlight: this.#host.drain.inFlight, shed: { ...this.#host.shedCounts } },
      services: Object.fromEntries(this.#services.all.map((service) => [service.name, service.report()])),
    }
  }

  /** The breaker of a service as opossum's own object, for tools that know it; the same to the end, for a service that `services` names. */
  breaker(name: string): BreakerCircuit {
    return this.#services.named(serviceName(name, 'service')).circuit
  }

  /** Runs `task` with time of its own: neither the deadline nor the caller of the request being handled ends its calls. It stays in the trace. */
  detach<T>(task: () => T): T {
    return this.#ambient.runDetached(task)
  }

  /** Why calls to a service go as they do: every value in force with its origin, and every endpoint with its state. */
  explain(name: string): ServiceExplanation {
    return this.#services.named(serviceName(name, 'service')).explain()
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
    await this.#services.close()
    this.#identity.tokens?.close?.()
    await Promise.all([this.dispatcher.close(), this.#http.close()])
  }

  #throwIfClosed(): void {
    if (this.#closing === undefined && !this.#shutdown.begun) return
    throw new MeshError('MESH_ERR_CLOSED', 'This mesh is closed or draining: make a new one with createMesh')
  }
}

/** Makes a service's part of the mesh. It starts to follow the services that the options name; the rest begins when first used. Throws `MESH_ERR_OPTION`. */
export function createMesh(options: MeshOptions, ground: MeshGround = { clock: systemClock, random: systemRandom }): Mesh {
  return new Mesh(readMeshOptions(options), ground)
}
