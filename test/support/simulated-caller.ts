import type { Clock } from '../../src/base/clock.js'
import { seededRandom } from '../../src/base/random.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import { createEndpointSet } from '../../src/balancer/endpoint-set.js'
import { Fleet } from '../../src/balancer/fleet.js'
import { levelsOf } from '../../src/balancer/locality.js'
import { createPicker } from '../../src/balancer/picker.js'
import { Ambient } from '../../src/call/ambient.js'
import type { Attempt } from '../../src/call/call.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import { Events } from '../../src/call/events.js'
import type { Handler } from '../../src/call/layer.js'
import { layerPolicy, type ServiceOptions } from '../../src/call/policy.js'
import { serviceOptions } from '../../src/call/service-options.js'
import { attemptStack, callStack } from '../../src/outbound.js'
import { policyDefaults } from '../../src/policy-defaults.js'
import { createBreaker } from '../../src/resilience/breaker.js'
import { Limiter } from '../../src/resilience/limiter.js'
import { RecentMinimum } from '../../src/resilience/recent-minimum.js'
import { RetryBudget } from '../../src/resilience/retry-budget.js'
import { Throttle } from '../../src/resilience/throttle.js'
import { Metrics } from '../../src/telemetry/metrics.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { callOf } from './scripted.js'

export interface SimulatedCallerOptions {
  readonly clock: Clock
  readonly seed: number
  readonly endpoints: readonly Endpoint[]
  readonly users: ServiceOptions
  /** Stands for the network and the servers behind it. */
  readonly network: Handler<Attempt>
}

export interface SimulatedCaller {
  /** Fulfils with whether a GET was answered with 200. */
  call(): Promise<boolean>
  close(): Promise<void>
}

/** A client with all the stages that a mesh puts before the network, in the mesh's own order, and none of the network. */
export function simulatedCaller({ clock, seed, endpoints: known, users, network }: SimulatedCallerOptions): SimulatedCaller {
  const service = 'users'
  const random = seededRandom(seed)
  const events = new Events()
  const { policy } = layerPolicy(policyDefaults, [{ origin: 'simulation', options: serviceOptions(users, 'users') }])
  const shared = { clock, wheel: new TimerWheel(clock), random, events, tracing: new Tracing('0'), metrics: new Metrics({ version: '0.0.0', observe: () => [] }), ambient: new Ambient(), tokens: undefined }
  const fleet = new Fleet({ service, clock, random, events })
  fleet.follow(policy)
  const endpoints = createEndpointSet({
    service,
    registry: 'simulation',
    events,
    connect: (node) => ({ handle: attemptStack(shared, node, fleet, { handle: network, close: async () => {} }), close: async () => {} }),
    draw: (nodes) => {
      fleet.adopt(nodes)
      return levelsOf(nodes, { zone: undefined, region: undefined }, policy.locality)
    },
  })
  endpoints.apply({ service, revision: 1, endpoints: known, policy: {} })
  const limiter = new Limiter({ service, clock, endpoints: () => known.length })
  limiter.policy = policy.limits
  const breaker = createBreaker({ service, policy: policy.breaker, events, clock })
  const handle = callStack(shared, {
    policy,
    breaker,
    throttle: new Throttle({ service, policy: policy.throttle, clock, random }),
    limiter,
    budget: new RetryBudget(policy.retry),
    fallback: undefined,
    minimum: new RecentMinimum(),
    endpoints,
    fleet,
    picker: createPicker(policy.balancer, { clock, random, standard: fleet }),
  })
  const { timeoutMs, attemptTimeoutMs } = policy
  return {
    call: () => handle(callOf({ startedAt: clock.now(), timeoutMs, attemptTimeoutMs })).then(({ status }) => status === 200, () => false),
    async close() {
      breaker.close()
      await endpoints.close()
    },
  }
}
