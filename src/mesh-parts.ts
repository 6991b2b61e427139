import { randomUUID } from 'node:crypto'
import { systemClock } from './base/clock.js'
import { createHttpClient, type HttpClient } from './base/http.js'
import { TimerWheel } from './base/timer-wheel.js'
import { Ambient } from './call/ambient.js'
import { Events } from './call/events.js'
import { createRegistrar, type Registrar } from './discovery/registrar.js'
import { MeshDispatcher } from './dispatcher/mesh-dispatcher.js'
import { openIdentity, type OpenIdentity } from './identity.js'
import type { InboundHost } from './inbound.js'
import type { AttachedServer } from './lifecycle/attached-server.js'
import { Shutdown } from './lifecycle/shutdown.js'
import type { MeshSettings } from './mesh-options.js'
import type { MeshGround } from './mesh-snapshot.js'
import { MeshTelemetry, type Visible } from './mesh-telemetry.js'
import { MutualTls } from './mutual-tls.js'
import { Drain } from './resilience/drain.js'
import { Services } from './services.js'

/** What a mesh is made of. */
export interface MeshParts {
  readonly events: Events
  readonly ambient: Ambient
  readonly http: HttpClient
  readonly identity: OpenIdentity
  /** Undefined without certificates. */
  readonly tls: MutualTls | undefined
  readonly telemetry: MeshTelemetry
  /** The slow and the fast path to each called service. */
  readonly services: Services
  readonly dispatcher: MeshDispatcher
  /** What every way in shares. */
  readonly host: InboundHost
  readonly registrar: Registrar
  readonly servers: AttachedServer[]
  readonly shutdown: Shutdown
}

/** Makes the parts of a mesh and introduces them to each other; none of them asks anything of the mesh before it is whole. */
export function openParts(mesh: Visible & { close(): Promise<void> }, settings: MeshSettings, { clock, random }: MeshGround): MeshParts {
  const { registry, service } = settings
  const events = new Events()
  const ambient = new Ambient()
  const http = createHttpClient(systemClock, {}, 'services')
  const identity = openIdentity(settings.identity, { service, http, clock, random, events })
  const tls = settings.tls && new MutualTls(settings.tls, { clock, events })
  const telemetry = new MeshTelemetry(mesh, { settings, events, clock, random })
  const { tracing, metrics } = telemetry
  const shared = { clock, wheel: new TimerWheel(clock), random, events, tracing, metrics, ambient, registry }
  const services = new Services(settings.services, {
    ...shared,
    tokens: identity.tokens,
    here: { zone: settings.zone, region: settings.region },
    clientId: randomUUID(),
    discovery: settings.discovery,
    transport: settings.transport,
    tls,
  })
  const dispatcher = new MeshDispatcher({
    unknownHosts: settings.unknownHosts,
    serviceFor: (origin, cancellation) => services.meantBy(origin, cancellation),
    send: async (name, request) => services.named(name).send(request),
  })
  const host: InboundHost = {
    ...shared,
    service,
    drain: new Drain(),
    faultInjection: settings.faultInjection,
    shedCounts: { critical: 0, normal: 0, low: 0 },
    health: () => mesh.health(),
    ...identity.trust,
    tls: tls && { identity: tls, mode: settings.tls.mode },
  }
  const registrar = createRegistrar(shared)
  const servers: AttachedServer[] = []
  const shutdown = new Shutdown({
    clock,
    registrar,
    propagationMs: registry.propagationMs ?? 0,
    drain: host.drain,
    servers,
    close: () => mesh.close(),
  })
  return { events, ambient, http, identity, tls, telemetry, services, dispatcher, host, registrar, servers, shutdown }
}
