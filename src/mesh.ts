import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { TlsOptions as ServerTls } from 'node:tls'
import type { JsonWebKey } from './auth/json-web-key.js'
import { systemClock } from './base/clock.js'
import { MeshError } from './base/errors.js'
import { systemRandom } from './base/random.js'
import { required, serviceName } from './base/validate.js'
import type { BreakerCircuit } from './call/breaker-circuit.js'
import type { MeshEvents } from './call/events.js'
import type { Arrival, InboundReply } from './call/inbound.js'
import type { Handler } from './call/layer.js'
import { ServiceClient } from './client.js'
import { meshFetch } from './dispatcher/fetch.js'
import type { MeshDispatcher } from './dispatcher/mesh-dispatcher.js'
import { createInbound, type InboundMesh } from './inbound.js'
import type { InboundOptions } from './inbound-options.js'
import { readInstance, type RegisterOptions } from './instance-options.js'
import type { MeshGround, MeshSnapshot } from './mesh-snapshot.js'
import { openParts, type MeshParts } from './mesh-parts.js'
import { readMeshOptions, type MeshOptions, type MeshSettings } from './mesh-options.js'
import { AttachedServer } from './lifecycle/attached-server.js'
import { readSignalOptions, type DrainOptions, type SignalOptions } from './lifecycle/drain-options.js'
import type { MeshHealth } from './lifecycle/health.js'
import { onSignals } from './lifecycle/signals.js'
import type { ServiceExplanation } from './service-report.js'

/** A service's own part of the mesh: calls to others, and the door for their calls. */
export class Mesh implements InboundMesh, AsyncDisposable {
  /** `fetch` of the platform, through the mesh: `mesh.fetch('http://users/users/42')`. */
  readonly fetch: typeof globalThis.fetch
  /** The mesh as an undici Dispatcher, for every client that takes one. */
  readonly dispatcher: MeshDispatcher
  readonly #settings: MeshSettings
  readonly #parts: MeshParts
  #closing: Promise<void> | undefined

  constructor(settings: MeshSettings, ground: MeshGround) {
    this.#settings = settings
    this.#parts = openParts(this, settings, ground)
    this.dispatcher = this.#parts.dispatcher
    this.fetch = meshFetch(this.dispatcher)
  }

  /** Calls to one service. The name need not be known yet: its first call waits for the registry. Throws `MESH_ERR_OPTION`. */
  service(name: string): ServiceClient {
    const called = serviceName(name, 'service')
    return new ServiceClient((request) => this.#parts.services.named(called).send(request))
  }

  /**
   * Fulfils when the registry has told about every service named in `services`. Rejects with `MESH_ERR_NOT_READY` after
   * `readyTimeoutMs`; calls wait for themselves and need not be held back for it.
   */
  async ready(): Promise<void> {
    await this.#parts.services.whenKnown(this.#settings.readyTimeoutMs)
  }

  /**
   * Puts this process into the registry and keeps it there, whatever becomes of the registry; fulfils with the first
   * success. Bad options reject with `MESH_ERR_OPTION`.
   */
  register(options: RegisterOptions): Promise<void> {
    const { service, zone, region } = this.#settings
    const { registrar, tls } = this.#parts
    try {
      this.#throwIfClosed()
      return registrar.register(readInstance(options, { service, zone, region, metadata: tls?.metadata, id: `${service}-${randomUUID().slice(0, 8)}` }))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Lets the mesh end the connections of this server in order when it drains, and keeps idle ones long enough that clients
   * give them up first. The Fastify edge does it by itself; for Express it is `mesh.attach(app.listen(port))`.
   */
  attach(server: Server): void {
    const { servers, tls } = this.#parts
    if (servers.some((attached) => attached.isFor(server))) return
    servers.push(new AttachedServer(server))
    tls?.secure(server)
  }

  /**
   * Ends this process's part without losing a request: leaves the registry, goes on serving until the callers have heard of
   * it, refuses what still comes so that it goes elsewhere, lets what is under way finish, and closes the mesh. Harmless
   * when repeated: the first one's options hold. Rejects with `MESH_ERR_OPTION`.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    return this.#parts.shutdown.finish(options)
  }

  /** The first half of {@link drain}, for a framework that closes its server itself: fulfils when nobody should be sending any more. */
  leave(options: DrainOptions = {}): Promise<void> {
    return this.#parts.shutdown.leave(options)
  }

  /**
   * Drains on SIGTERM and SIGINT, and then ends the process; a second signal ends it at once. The function that comes back
   * undoes it. Throws `MESH_ERR_OPTION`.
   */
  handleSignals(options: SignalOptions = {}): () => void {
    const { drained = () => {}, ...drain } = readSignalOptions(options)
    return onSignals(() => this.#parts.shutdown.finishWith(drain, drained))
  }

  /** Whether this process should be given requests. */
  health(): MeshHealth {
    if (this.#closing !== undefined) return { status: 'closed', ready: false }
    return this.#parts.shutdown.begun ? { status: 'draining', ready: false } : { status: 'serving', ready: true }
  }

  /** Listens to the news of the mesh; the function that comes back ends it. */
  on<K extends keyof MeshEvents>(name: K, listener: (event: MeshEvents[K]) => void): () => void {
    return this.#parts.events.on(name, listener)
  }

  /** The way in, for the edges of the web frameworks. */
  inbound(options: InboundOptions): Handler<Arrival, InboundReply> {
    return createInbound(this.#parts.host, options)
  }

  /**
   * What a server over TLS is made with: `https.createServer(mesh.serverTls(), app)`, or the option `https` of Fastify. Such a server takes no
   * connection without a certificate of the trust domain; attached, it follows the files of `tls`. Throws `MESH_ERR_OPTION` without `tls`.
   */
  serverTls(): ServerTls {
    return required(this.#parts.tls, 'tls', 'certificates, to serve with').serverOptions
  }

  /** The public keys of `identity.token: selfSigned(…)`, as a JWK set (RFC 7517) for others to fetch; without that, none. */
  jwks(): { readonly keys: readonly JsonWebKey[] } {
    return { keys: (this.#parts.identity.tokens?.jwks?.keys ?? []).map((key) => ({ ...key })) }
  }

  /** What the mesh knows at this moment. */
  snapshot(): MeshSnapshot {
    const { registrar, shutdown, tls, host, services } = this.#parts
    return {
      service: this.#settings.service,
      registry: this.#settings.registry.name,
      instances: registrar.instances,
      draining: shutdown.begun,
      certificate: tls?.certificate,
      inbound: { inFlight: host.drain.inFlight, shed: { ...host.shedCounts } },
      services: Object.fromEntries(services.all.map((service) => [service.name, service.report()])),
    }
  }

  /** Everything that is measured, in Prometheus' text format: what `/metrics` is to answer. */
  metrics(): string {
    return this.#parts.telemetry.text()
  }

  /** Where the admin listener listens, such as `http://127.0.0.1:7118`; rejects when it cannot. Undefined without the option `admin`. */
  get adminUrl(): Promise<string> | undefined {
    return this.#parts.telemetry.adminUrl
  }

  /** The breaker of a service as opossum's own object, for tools that know it; the same to the end, for a service that `services` names. */
  breaker(name: string): BreakerCircuit {
    return this.#parts.services.named(serviceName(name, 'service')).circuit
  }

  /** Runs `task` with time of its own: neither the deadline nor the caller of the request being handled ends its calls. It stays in the trace. */
  detach<T>(task: () => T): T {
    return this.#parts.ambient.runDetached(task)
  }

  /** Why calls to a service go as they do: every value in force with its origin, and every endpoint with its state. */
  explain(name: string): ServiceExplanation {
    return this.#parts.services.named(serviceName(name, 'service')).explain()
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
    const { registrar, host, services, identity, tls, dispatcher, http, telemetry, events } = this.#parts
    await registrar.deregister()
    host.drain.begin()
    await services.close()
    identity.tokens?.close?.()
    tls?.close()
    await Promise.all([dispatcher.close(), http.close(), telemetry.close()])
    events.emit('closed', {})
  }

  #throwIfClosed(): void {
    if (this.#closing === undefined && !this.#parts.shutdown.begun) return
    throw new MeshError('MESH_ERR_CLOSED', 'This mesh is closed or draining: make a new one with createMesh')
  }
}

/** Makes a service's part of the mesh. It starts to follow the services that the options name; the rest begins when first used. Throws `MESH_ERR_OPTION`. */
export function createMesh(options: MeshOptions, ground: MeshGround = { clock: systemClock, random: systemRandom }): Mesh {
  return new Mesh(readMeshOptions(options), ground)
}
