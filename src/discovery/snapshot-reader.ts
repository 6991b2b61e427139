import { MeshError } from '../base/errors.js'
import { serviceOptions } from '../call/service-options.js'
import type { Snapshot } from '../call/snapshot.js'
import { readEndpoints } from './endpoint-reader.js'
import type { RawSnapshot } from './registry.js'

/**
 * Reads what a registry told. Malformed endpoints are left out and named in `refused`; a whole that is malformed throws
 * `MESH_ERR_SNAPSHOT`: an endpoint can be spared, but a list that is none says nothing about the service.
 */
export function readSnapshot(raw: RawSnapshot, service: string): Snapshot {
  // Whatever the types say, this came from outside.
  const { revision, endpoints, policy } = (raw ?? {}) as Partial<RawSnapshot>
  if (!Number.isFinite(revision)) throw malformed(service, `revision: expected a number, got ${show(revision)}`)
  if (!Array.isArray(endpoints)) throw malformed(service, `endpoints: expected a list, got ${show(endpoints)}`)
  const reading = readEndpoints(endpoints, 'endpoints')
  return {
    service,
    revision: revision as number,
    endpoints: reading.endpoints,
    policy: readPolicy(policy, service),
    ...(reading.refused.length > 0 && { refused: reading.refused }),
  }
}

function readPolicy(policy: unknown, service: string): Snapshot['policy'] {
  if (policy === undefined) return {}
  try {
    return serviceOptions(policy, 'policy')
  } catch (error) {
    throw malformed(service, (error as Error).message, error)
  }
}

function show(value: unknown): string {
  return value === null ? 'null' : typeof value
}

function malformed(service: string, reason: string, cause?: unknown): MeshError {
  return new MeshError('MESH_ERR_SNAPSHOT', `The snapshot of '${service}' is malformed: ${reason}`, { service, cause })
}
