import { isDeepStrictEqual } from 'node:util'
import type { Random } from './base/random.js'
import { createEndpointSet } from './balancer/endpoint-set.js'
import { createPicker } from './balancer/picker.js'
import type { RequestBody } from './call/body.js'
import type { Call } from './call/call.js'
import type { Cancellation } from './call/cancellation.js'
import { addressOf } from './call/endpoint.js'
import type { HeaderList } from './call/headers.js'
import type { Handler } from './call/layer.js'
import { layerPolicy, type EffectivePolicy, type ServiceOptions } from './call/policy.js'
import type { Reply } from './call/reply.js'
import type { Snapshot } from './call/snapshot.js'
import type { Registry } from './discovery/registry.js'
import { createResolver } from './discovery/resolver.js'
import { attemptStack, callStack, type OutboundShared } from './outbound.js'
import { policyDefaults } from './policy-defaults.js'
import { createBreaker, type Breaker } from './resilience/breaker.js'
import { createTransport, type TransportSettings } from './transport/transport.js'

/** What every service of one mesh is built from. */
export interface ServiceParts extends OutboundShared {
  readonly registry: Registry
  readonly random: Random
  readonly transport: TransportSettings
}

/** A request on its way to a service. */
export interface ServiceRequest {
  readonly method: string
  readonly path: string
  readonly template?: string | undefined
  readonly headers: HeaderList
  readonly body: RequestBody
  /** Undefined: the service's own. */
  readonly timeoutMs?: number | undefined
  readonly cancellation: Cancellation
}

/** How one endpoint is doing, as this process sees it. */
export interface EndpointReport {
  readonly id: string
  readonly address: string
  readonly state: 'ready' | 'draining'
  readonly weight: number
  readonly zone: string | undefined
  /** Attempts under way. */
  readonly inFlight: number
  /** Mean time to response headers; undefined before the first answer. */
  readonly latencyMs: number | undefined
  /** Recent share of successes, 0–1. */
  readonly successRatio: number
}

/** What this process knows of a service. */
export interface ServiceReport {
  readonly service: string
  /** Undefined while the registry has not spoken. */
  readonly revision: number | undefined
  /** Milliseconds since the registry last said anything. */
  readonly registryAgeMs: number | undefined
  readonly registryError: string | undefined
  readonly breaker: Breaker['state']
  readonly endpoints: readonly EndpointReport[]
}

/** Why calls to a service go as they do. */
export interface ServiceExplanation extends ServiceReport {
  /** Every value in force, by its dotted path, and who set it. */
  readonly policy: Readonly<Record<string, { readonly value: unknown; readonly origin: string }>>
}

/** One called service: the slow path that follows it and the fast path that calls it. */
export interface Service {
  readonly name: string
  readonly effective: EffectivePolicy
  send(request: ServiceRequest): Promise<Reply>
  /** Whether the registry has said anything about it. */
  readonly known: boolean
  /** Fulfils with the registry's first word. */
  whenKnown(cancellation: Cancellation): Promise<void>
  /** Whether the registry has ever named an endpoint. */
  readonly seen: boolean
  report(): ServiceReport
  explain(): ServiceExplanation
  close(): Promise<void>
}

/** Begins to follow a service. */
export function createService(name: string, options: ServiceOptions, parts: ServiceParts): Service {
  const { registry, clock, random, events, ambient } = parts
  const endpoints = createEndpointSet({
    service: name,
    registry: registry.name,
    events,
    connect: (node) => {
      const transport = createTransport(node.endpoint, parts.transport)
      return { handle: attemptStack(parts, node, transport), close: () => transport.close() }
    },
  })
  let seen = false
  let fromRegistry: ServiceOptions = {}
  let breaker: Breaker
  let handle: Handler<Call>
  let effective: EffectivePolicy

  const build = (): void => {
    const before = effective
    effective = layerPolicy(policyDefaults, [
      { origin: `registry ${registry.name}`, options: fromRegistry },
      { origin: 'createMesh', options },
    ])
    const { policy } = effective
    // A breaker knows how the last calls went: it is kept as long as nobody asks for another.
    if (!isDeepStrictEqual(policy.breaker, before?.policy.breaker)) {
      breaker?.close()
      breaker = createBreaker({ service: name, policy: policy.breaker, events, clock })
    }
    handle = callStack(parts, { policy, breaker, endpoints, picker: createPicker(policy.balancer.algorithm, random) })
  }
  build()

  const adopt = (snapshot: Snapshot): void => {
    seen ||= snapshot.endpoints.length > 0
    if (!isDeepStrictEqual(snapshot.policy, fromRegistry)) {
      fromRegistry = snapshot.policy
      build()
    }
    endpoints.apply(snapshot)
  }
  const resolver = createResolver({ registry, service: name, clock, random, events })
  resolver.subscribe(adopt)

  const report = (): ServiceReport => ({
    service: name,
    revision: resolver.current?.revision,
    registryAgeMs: resolver.lastProofOfLifeAt === undefined ? undefined : clock.now() - resolver.lastProofOfLifeAt,
    registryError: resolver.lastError?.message,
    breaker: breaker.state,
    endpoints: endpoints.all.map((node) => ({
      id: node.id,
      address: addressOf(node.endpoint),
      state: node.state,
      weight: node.weight,
      zone: node.endpoint.zone,
      inFlight: node.inFlight,
      latencyMs: node.latency.samples === 0 ? undefined : node.latency.meanMs,
      successRatio: node.success.ratioAt(clock.now()),
    })),
  })

  return {
    name,
    get effective() {
      return effective
    },
    get seen() {
      return seen
    },
    get known() {
      return endpoints.isReady
    },
    whenKnown: (cancellation) => endpoints.whenReady(cancellation),
    async send({ method, path, template, headers, body, timeoutMs = effective.policy.timeoutMs, cancellation }) {
      const startedAt = clock.now()
      const inheritedMs = (ambient.current?.deadlineAt ?? Infinity) - startedAt
      return handle({
        service: name,
        method,
        path,
        template,
        headers: hostFirst(headers, name),
        body,
        startedAt,
        timeoutMs: Math.min(timeoutMs, inheritedMs),
        attemptTimeoutMs: effective.policy.attemptTimeoutMs,
        cancellation,
        resends: 0,
        tried: [],
      })
    },
    report,
    explain: () => ({ ...report(), policy: explainPolicy(effective) }),
    async close() {
      await Promise.all([resolver.close(), endpoints.close()])
      breaker.close()
    },
  }
}

/** The service is the host, whatever address is picked: servers see one name, and it may serve as theirs. */
function hostFirst(headers: HeaderList, service: string): HeaderList {
  const list = ['host', service]
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'host') list.push(headers[i]!, headers[i + 1]!)
  }
  return list
}

function explainPolicy({ policy, origins }: EffectivePolicy): ServiceExplanation['policy'] {
  const valueAt = (path: string): unknown => path.split('.').reduce((part: unknown, key) => (part as Record<string, unknown>)[key], policy)
  return Object.fromEntries(Object.entries(origins).map(([path, origin]) => [path, { value: valueAt(path), origin }]))
}
