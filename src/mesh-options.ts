import { adminDefaults, readAdmin, type AdminOptions, type AdminSettings } from './admin/admin-options.js'
import { callable, fields, flag, mapOf, oneOf, optionError, positiveMs, required, serviceName, text, type Reader } from './base/validate.js'
import type { Place } from './call/endpoint.js'
import { calledServiceOptions, type CalledServiceOptions } from './called-service-options.js'
import { discoverySettings, readDiscovery, type DiscoveryOptions, type DiscoverySettings } from './discovery/discovery-options.js'
import type { Registry } from './discovery/registry.js'
import { readIdentity, type IdentityOptions, type IdentitySettings } from './identity-options.js'
import { readTls, tlsSettings, type TlsOptions, type TlsSettings } from './tls-options.js'
import { readTransport, transportDefaults, type TransportOptions, type TransportSettings } from './transport/transport.js'

export interface MeshOptions {
  /** This service's name: lower-case letters, digits and hyphens. */
  readonly service: string
  /** Where services are found, such as `consul()`. */
  readonly registry: Registry
  /** Without it, calls go out unsigned and the inbound middleware refuses to start. */
  readonly identity?: IdentityOptions | undefined
  /** Availability zone of this process: calls stay in it for as long as it has the capacity. */
  readonly zone?: string | undefined
  /** Region of this process, which its zone belongs to: calls that leave the zone stay in it. */
  readonly region?: string | undefined
  /** What is wanted for calls to each service; the defaults hold for all others. */
  readonly services?: Readonly<Record<string, CalledServiceOptions>> | undefined
  /** What becomes of a URL whose host is no service. Default `'passthrough'`. */
  readonly unknownHosts?: 'passthrough' | 'error' | undefined
  /** How long `ready()` waits. Default 15 000 ms. */
  readonly readyTimeoutMs?: number | undefined
  /** How the registry's word is kept and doubted. */
  readonly discovery?: DiscoveryOptions | undefined
  readonly transport?: TransportOptions | undefined
  /** Mutual TLS, from files. Without it calls go out in the clear. */
  readonly tls?: TlsOptions | undefined
  /** Lets the inbound option `faults` make things go wrong on purpose. Default false: then it is an error. */
  readonly faultInjection?: boolean | undefined
  /** A listener for people and for Prometheus: metrics, state, probes. Off by default; on loopback unless told otherwise. */
  readonly admin?: AdminOptions | undefined
}

/** {@link MeshOptions} with every default in its place. */
export interface MeshSettings extends Place {
  readonly service: string
  readonly registry: Registry
  readonly identity: IdentitySettings
  readonly services: Readonly<Record<string, CalledServiceOptions>>
  readonly unknownHosts: 'passthrough' | 'error'
  readonly readyTimeoutMs: number
  readonly discovery: DiscoverySettings
  readonly transport: TransportSettings
  readonly tls: TlsSettings | undefined
  readonly faultInjection: boolean
  readonly admin: AdminSettings | undefined
}

export const meshDefaults = Object.freeze({ unknownHosts: 'passthrough', readyTimeoutMs: 15_000, faultInjection: false } as const)

const readOptions = fields<Omit<MeshOptions, 'identity'> & { readonly identity?: IdentitySettings }>({
  service: serviceName,
  registry: callable<Registry>('a registry, such as consul()', 'watch'),
  identity: readIdentity,
  zone: text,
  region: text,
  services: mapOf(serviceName, calledServiceOptions),
  unknownHosts: oneOf('passthrough', 'error'),
  readyTimeoutMs: positiveMs,
  discovery: readDiscovery,
  transport: readTransport,
  tls: readTls as Reader<TlsOptions>,
  faultInjection: flag,
  admin: readAdmin,
})

/** Reads what the user gave to `createMesh`; nothing of it is written into or kept. */
export function readMeshOptions(value: unknown): MeshSettings {
  const options = readOptions(value, '')
  const secured = options.tls === undefined && Object.entries(options.services ?? {}).find(([, { tls }]) => tls?.mode === 'required')
  if (secured) throw optionError('tls', `the certificates that services.${secured[0]}.tls.mode 'required' needs`, undefined)
  return {
    service: required(options.service, 'service', "this service's name"),
    registry: required(options.registry, 'registry', 'a registry, such as consul()'),
    identity: options.identity ?? {},
    zone: options.zone,
    region: options.region,
    services: options.services ?? {},
    unknownHosts: options.unknownHosts ?? meshDefaults.unknownHosts,
    readyTimeoutMs: options.readyTimeoutMs ?? meshDefaults.readyTimeoutMs,
    discovery: discoverySettings(options.discovery ?? {}),
    faultInjection: options.faultInjection ?? meshDefaults.faultInjection,
    admin: options.admin && { ...adminDefaults, ...options.admin } as AdminSettings,
    tls: options.tls && tlsSettings(options.tls, options.identity?.trustDomain),
    // What a reader gives has no field that is undefined.
    transport: { ...transportDefaults, ...options.transport } as TransportSettings,
  }
}
