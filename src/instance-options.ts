import { httpPort, reachableHost } from './base/reachable.js'
import { fields, mapOf, required, text, weight } from './base/validate.js'
import type { Place } from './call/endpoint.js'
import type { Instance } from './discovery/registry.js'

/** What a process says about itself when it joins. */
export interface RegisterOptions {
  /** The port that it serves on. */
  readonly port: number
  /** Host name or IP address by which others reach it. Default: the registry's idea of this machine. */
  readonly host?: string | undefined
  /** Unique within the service. Default: the service's name with a random part. */
  readonly id?: string | undefined
  /** Share of the traffic relative to the other instances. Default 1. */
  readonly weight?: number | undefined
  /** `scheme` tells callers whether the port speaks TLS: `'https'` or `'http'`. Default: `https` where the mesh has `tls` and its mode is not `off`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const readOptions = fields<RegisterOptions>({ port: httpPort, host: reachableHost, id: text, weight, metadata: mapOf(text, text) })

/** Reads what was given to `register`; what it does not say comes from the mesh. */
export function readInstance(value: unknown, fromMesh: Place & { readonly service: string; readonly id: string; readonly metadata?: Readonly<Record<string, string>> | undefined }): Instance {
  const options = readOptions(value, '')
  return {
    service: fromMesh.service,
    zone: fromMesh.zone,
    region: fromMesh.region,
    id: options.id ?? fromMesh.id,
    host: options.host,
    port: required(options.port, 'port', 'the port that this service listens on'),
    weight: options.weight ?? 1,
    metadata: { ...fromMesh.metadata, ...options.metadata },
  }
}
