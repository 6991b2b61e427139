import { isDeepStrictEqual } from 'node:util'
import { createEndpointSet } from './balancer/endpoint-set.js'
import { Fleet } from './balancer/fleet.js'
import { levelsOf } from './balancer/locality.js'
import { createPicker } from './balancer/picker.js'
import { subsetLevels } from './balancer/subset.js'
import type { RequestBody } from './call/body.js'
import type { BreakerCircuit } from './call/breaker-circuit.js'
import type { Call } from './call/call.js'
import type { Cancellation } from './call/cancellation.js'
import type { Place } from './call/endpoint.js'
import type { HeaderList } from './call/headers.js'
import type { Handler } from './call/layer.js'
import { layerPolicy, type EffectivePolicy, type ServiceOptions } from './call/policy.js'
import type { Priority } from './call/priority.js'
import type { Reply } from './call/reply.js'
import type { Snapshot } from './call/snapshot.js'
import type { CalledServiceOptions } from './called-service-options.js'
import type { DiscoverySettings } from './discovery/discovery-options.js'
import type { Registry } from './discovery/registry.js'
import { createResolver } from './discovery/resolver.js'
import { endpointReport } from './endpoint-report.js'
import { attemptStack, callStack, type OutboundShared } from './outbound.js'
import { serviceSecurity, type MutualTls } from './mutual-tls.js'
import { policyDefaults } from './policy-defaults.js'
import { callHeaders, priorityIn } from './service-headers.js'
import { explainPolicy, type ServiceExplanation, type ServiceReport } from './service-report.js'
import { createBreaker } from './resilience/breaker.js'
import { inheritedTimeoutMs } from './resilience/deadline.js'
import { Limiter } from './resilience/limiter.js'
import { RecentMinimum } from './resilience/recent-minimum.js'
import { RetryBudget } from './resilience/retry-budget.js'
import { Throttle } from './resilience/throttle.js'
import { createTransport, type TransportSettings } from './transport/transport.js'

/** What every service of one mesh is built from. */
export interface ServiceParts extends OutboundShared {
  readonly registry: Registry
  readonly discovery: DiscoverySettings
  /** Where this process runs. */
  readonly here: Place
  /** This process among all that call; decides which endpoints are its subset. */
  readonly clientId: string
  readonly transport: TransportSettings
  readonly tls: MutualTls | undefined
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
  /** Undefined: as its header field says, or as the request has it that is being served. */
  readonly priority?: Priority | undefined
  readonly idempotent?: boolean | undefined
  readonly once?: boolean | undefined
  readonly cancellation: Cancellation
}

/** One called service: the slow path that follows it and the fast path that calls it. */
export interface Service {
  readonly name: string
  readonly effective: EffectivePolicy
  readonly circuit: BreakerCircuit
  send(request: ServiceRequest): Promise<Reply>
  /** Whether the registry has said anything about it. */
  readonly known: boolean
  /** Fulfils with the registry's first word. */
  whenKnown(cancellation: Cancellation): Promise<void>
  /** Whether the registry has ever named an endpoint. */
  readonly seen: boolean
  /** Whether the registry has failed and not spoken since. */
  readonly isCutOff: boolean
  report(): ServiceReport
  explain(): ServiceExplanation
  close(): Promise<void>
}

/** Begins to follow a service. */
export function createService(name: string, options: CalledServiceOptions, parts: ServiceParts): Service {
  const { registry, clock, random, events, ambient, here, clientId } = parts
  const security = serviceSecurity(name, parts.tls, () => effective.policy.tls)
  const fleet = new Fleet({ service: name, clock, random, events })
  const endpoints = createEndpointSet({
    service: name,
    registry: registry.name,
    events,
    connect: (node) => {
      const transport = createTransport(node.endpoint, parts.transport, clock, security)
      return { handle: attemptStack(parts, node, fleet, transport), close: () => transport.close() }
    },
    draw: (known) => {
      const { locality, subset } = effective.policy
      fleet.adopt(known)
      return subsetLevels(levelsOf(known, here, locality), subset, clientId)
    },
  })
  const limiter = new Limiter({
    service: name,
    clock,
    endpoints: () => endpoints.levels.reduce((count, { nodes }) => count + nodes.length, 0),
  })
  let seen = false
  let fromRegistry: ServiceOptions = {}
  const breaker = createBreaker({ service: name, policy: policyDefaults.breaker, events, clock })
  const minimum = new RecentMinimum()
  let throttle: Throttle
  let handle: Handler<Call>
  let effective: EffectivePolicy
  const budget = new RetryBudget(policyDefaults.retry)

  const build = (): void => {
    const before = effective
    effective = layerPolicy(policyDefaults, [
      { origin: `registry ${registry.name}`, options: fromRegistry },
      ...(parts.tls?.layers ?? []),
      { origin: 'createMesh', options },
    ])
    const { policy } = effective
    // What they know of the last calls outlives a change of policy.
    breaker.follow(policy.breaker)
    if (!isDeepStrictEqual(policy.throttle, before?.policy.throttle)) {
      throttle = new Throttle({ service: name, policy: policy.throttle, clock, random })
    }
    limiter.policy = policy.limits
    fleet.follow(policy)
    budget.limits = policy.retry
    const picker = createPicker(policy.balancer, { clock, random, standard: fleet })
    handle = callStack(parts, { policy, breaker, throttle, limiter, budget, fallback: options.fallback, minimum, endpoints, fleet, picker })
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
  const resolver = createResolver({ registry, service: name, clock, random, events }, parts.discovery)
  resolver.subscribe(adopt)

  const report = (): ServiceReport => ({
    service: name,
    revision: resolver.current?.revision,
    registryAgeMs: resolver.lastProofOfLifeAt === undefined ? undefined : clock.now() - resolver.lastProofOfLifeAt,
    registryError: resolver.lastError?.message,
    kept: resolver.kept,
    breaker: breaker.state,
    limits: { inFlight: limiter.inFlight, waiting: limiter.waiting, limit: limiter.limit },
    throttledRatio: throttle.ratio,
    retryBudget: budget.left(clock.now()),
    levels: endpoints.levels.map(({ priority, proximity, share, nodes }) => ({ priority, proximity, share, size: nodes.length })),
    endpoints: endpoints.all.map((node) => endpointReport(node, fleet, clock.now())),
  })

  return {
    name,
    get effective() {
      return effective
    },
    circuit: breaker.circuit,
    get seen() {
      return seen
    },
    get known() {
      return endpoints.isReady
    },
    get isCutOff() {
      return resolver.lastError !== undefined
    },
    whenKnown: (cancellation) => endpoints.whenReady(cancellation),
    send({ method, path, template, headers, body, timeoutMs = effective.policy.timeoutMs, priority: asked, idempotent, once = false, cancellation }) {
      const startedAt = clock.now()
      const request = ambient.current
      const priority = asked ?? priorityIn(headers) ?? request?.priority ?? 'normal'
      const inheritedMs = inheritedTimeoutMs((request?.deadlineAt ?? Infinity) - startedAt)
      return handle({
        service: name,
        method,
        path,
        template,
        headers: callHeaders(headers, name, priority),
        body,
        startedAt,
        timeoutMs: Math.min(timeoutMs, inheritedMs),
        attemptTimeoutMs: effective.policy.attemptTimeoutMs,
        priority,
        cancellation,
        idempotent,
        once,
        chain: request?.chain,
        resends: 0,
        hedge: false,
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
