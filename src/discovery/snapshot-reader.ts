import { MeshError } from '../base/errors.js'
import { serviceOptions } from '../call/service-options.js'
import type { Snapshot } from '../call/snapshot.js'
import { readEndpoints, type EndpointMemory } from './endpoint-reader.js'
import type { RawSnapshot } from './registry.js'

/** Reads what a registry tells about one service, again and again. */
export class SnapshotReader {
  readonly #service: string
  readonly #endpoints: EndpointMemory = {}
  #policy: Snapshot['policy'] = {}

  constructor(service: string) {
    this.#service = service
  }

  /**
   * What is malformed is left out and named in `refused`: an endpoint, or the policy, of which the last good one then stays.
   * A whole that is malformed throws `MESH_ERR_SNAPSHOT`: a list that is none says nothing about the service.
   */
  read(raw: RawSnapshot): Snapshot {
    // Whatever the types say, this came from outside.
    const { revision, endpoints, policy, refused = [] } = (raw ?? {}) as Partial<RawSnapshot>
    if (!Number.isFinite(revision)) throw this.#malformed(`revision: expected a number, got ${show(revision)}`)
    if (!Array.isArray(endpoints)) throw this.#malformed(`endpoints: expected a list, got ${show(endpoints)}`)
    if (!Array.isArray(refused)) throw this.#malformed(`refused: expected a list, got ${show(refused)}`)
    const reading = readEndpoints(endpoints, 'endpoints', this.#endpoints)
    const reasons = [...refused.map(String), ...reading.refused, ...this.#takePolicy(policy)]
    return {
      service: this.#service,
      revision: revision as number,
      endpoints: reading.endpoints,
      policy: this.#policy,
      ...(reasons.length > 0 && { refused: reasons }),
    }
  }

  /** Why it is refused, if it is. */
  #takePolicy(policy: unknown): readonly string[] {
    try {
      this.#policy = policy === undefined ? {} : serviceOptions(policy, 'policy')
      return []
    } catch (error) {
      return [(error as Error).message]
    }
  }

  #malformed(reason: string): MeshError {
    const service = this.#service
    return new MeshError('MESH_ERR_SNAPSHOT', `The snapshot of '${service}' is malformed: ${reason}`, { service })
  }
}

/** Reads one that comes alone. Throws `MESH_ERR_SNAPSHOT`. */
export function readSnapshot(raw: RawSnapshot, service: string): Snapshot {
  return new SnapshotReader(service).read(raw)
}

function show(value: unknown): string {
  return value === null ? 'null' : typeof value
}
