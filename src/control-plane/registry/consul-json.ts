import { DATACENTER } from './consul-answer.js'
import type { Check, CheckStatus, Service, ServiceDefinition } from './service.js'

/** The one node that everything is registered on: this machine. */
export interface RegistryNode {
  /** A UUID. */
  readonly id: string
  readonly name: string
  readonly address: string
}

export function nodeJson({ id, name, address }: RegistryNode): object {
  return {
    ID: id,
    Node: name,
    Address: address,
    Datacenter: DATACENTER,
    TaggedAddresses: { lan: address, wan: address },
    Meta: {},
    CreateIndex: 1,
    ModifyIndex: 1,
  }
}

/** A service as `/v1/agent/services` shows it. */
export function agentServiceJson({ definition }: Service): object {
  return { ...commonJson(definition), Datacenter: DATACENTER }
}

/** A service with its node and checks, as `/v1/health/service/:name` shows it. */
export function healthJson(service: Service, node: RegistryNode): object {
  const { definition, createIndex, modifyIndex } = service
  return {
    Node: nodeJson(node),
    Service: { ...commonJson(definition), PeerName: '', CreateIndex: createIndex, ModifyIndex: modifyIndex },
    Checks: [nodeCheckJson(node), ...checksJson(service, node)],
  }
}

/** A service as `/v1/catalog/service/:name` shows it, flat. */
export function catalogJson({ definition, createIndex, modifyIndex }: Service, node: RegistryNode): object {
  return {
    ID: node.id,
    Node: node.name,
    Address: node.address,
    Datacenter: DATACENTER,
    TaggedAddresses: { lan: node.address, wan: node.address },
    NodeMeta: {},
    ServiceKind: '',
    ServiceID: definition.id,
    ServiceName: definition.name,
    ServiceTags: definition.tags,
    ServiceAddress: definition.address,
    ServiceTaggedAddresses: {},
    ServiceWeights: weightsJson(definition),
    ServiceMeta: definition.meta,
    ServicePort: definition.port,
    ServiceSocketPath: '',
    ServiceEnableTagOverride: definition.enableTagOverride,
    CreateIndex: createIndex,
    ModifyIndex: modifyIndex,
  }
}

/** A check as every endpoint shows it, with the members that this registry reads again. */
export interface CheckJson {
  readonly CheckID: string
  readonly Status: CheckStatus
  readonly [member: string]: unknown
}

export function checksJson(service: Service, node: RegistryNode): CheckJson[] {
  return [...service.checks.values()].map((check) => checkJson(check, service.definition, node))
}

/** That the node itself is there, which Consul says in a check of its own. */
export function nodeCheckJson(node: RegistryNode): CheckJson {
  const definition = { id: 'serfHealth', name: 'Serf Health Status', notes: '', ttlMs: undefined, deregisterAfterMs: undefined }
  const check: Check = { definition, status: 'passing', output: 'Agent alive and reachable', createIndex: 1, modifyIndex: 1 }
  return checkJson(check, { id: '', name: '', tags: [] }, node)
}

function checkJson(check: Check, service: Pick<ServiceDefinition, 'id' | 'name' | 'tags'>, node: RegistryNode): CheckJson {
  const { definition, status, output, createIndex, modifyIndex } = check
  return {
    Node: node.name,
    CheckID: definition.id,
    Name: definition.name,
    Status: status,
    Notes: definition.notes,
    Output: output,
    ServiceID: service.id,
    ServiceName: service.name,
    ServiceTags: service.tags,
    Type: definition.ttlMs === undefined ? '' : 'ttl',
    Interval: '',
    Timeout: '',
    ExposedPort: 0,
    Definition: {},
    CreateIndex: createIndex,
    ModifyIndex: modifyIndex,
  }
}

function commonJson(definition: ServiceDefinition): object {
  return {
    ID: definition.id,
    Service: definition.name,
    Tags: definition.tags,
    Meta: definition.meta,
    Port: definition.port,
    Address: definition.address,
    TaggedAddresses: {},
    Weights: weightsJson(definition),
    EnableTagOverride: definition.enableTagOverride,
  }
}

function weightsJson({ weights }: ServiceDefinition): object {
  return { Passing: weights.passing, Warning: weights.warning }
}
