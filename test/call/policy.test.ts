import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layerPolicy, type ServiceOptions, type ServicePolicy } from '../../src/call/policy.js'
import { serviceOptions } from '../../src/call/service-options.js'
import { policyDefaults } from '../../src/policy-defaults.js'

describe('layered policy', () => {
  it('is the defaults where nobody has said anything', () => {
    const { policy, origins } = layerPolicy(policyDefaults, [])
    expect(policy).toEqual(policyDefaults)
    expect(new Set(Object.values(origins))).toEqual(new Set(['default']))
  })

  it('lets the last layer win, field by field and not table by table', () => {
    const { policy, origins } = layerPolicy(policyDefaults, [
      { origin: 'registry consul', options: { timeoutMs: 700, breaker: { minCalls: 5, openMs: 100 } } },
      { origin: 'createMesh', options: { breaker: { openMs: 900 }, retry: { maxResends: 0 } } },
    ])
    expect(policy.timeoutMs).toBe(700)
    expect(policy.breaker).toEqual({ ...policyDefaults.breaker, minCalls: 5, openMs: 900 })
    expect(policy.retry.maxResends).toBe(0)
    expect(origins).toMatchObject({
      timeoutMs: 'registry consul',
      'breaker.minCalls': 'registry consul',
      'breaker.openMs': 'createMesh',
      'breaker.failureRatio': 'default',
      'retry.maxResends': 'createMesh',
      'balancer.algorithm': 'default',
    })
  })

  it('takes undefined for silence and zero for a word', () => {
    const { policy, origins } = layerPolicy(policyDefaults, [
      { origin: 'first', options: { retry: { maxResends: 0 } } },
      { origin: 'second', options: { timeoutMs: undefined, retry: { maxResends: undefined } } },
    ])
    expect(policy.retry.maxResends).toBe(0)
    expect(policy.timeoutMs).toBe(policyDefaults.timeoutMs)
    expect(origins['retry.maxResends']).toBe('first')
    expect(origins['timeoutMs']).toBe('default')
  })

  it('tells an origin for every value, and the value of the layer or of the stronger value that it names', () => {
    const value = fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined })
    const options: fc.Arbitrary<ServiceOptions> = fc.record(
      { timeoutMs: value, retry: fc.record({ maxResends: value }), breaker: fc.record({ minCalls: value, openMs: value }) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(options, { maxLength: 4 }), (said) => {
        const layers = said.map((options, i) => ({ origin: `layer ${i}`, options }))
        const { policy, origins } = layerPolicy(policyDefaults, layers)
        expect(Object.keys(origins).sort()).toEqual(PATHS)
        for (const path of PATHS) {
          const [from, adaptedTo] = origins[path]!.split(', adapted to ')
          const speaker = layers.find(({ origin }) => origin === from)
          if (adaptedTo !== undefined) expect(at(policy, path)).toBe(at(policy, adaptedTo))
          else expect(at(policy, path)).toBe(at(speaker?.options ?? policyDefaults, path))
        }
      }),
    )
  })

  it('writes into nothing that it was given', () => {
    const frozen = Object.freeze({ breaker: Object.freeze({ minCalls: 3 }) })
    const { policy } = layerPolicy(policyDefaults, [{ origin: 'frozen', options: frozen }])
    expect(policy.breaker).not.toBe(policyDefaults.breaker)
    expect(policyDefaults.breaker.minCalls).toBe(20)
  })
})

describe('defaults', () => {
  it('pass their own validation', () => {
    expect(serviceOptions(policyDefaults, 'services.users')).toEqual(policyDefaults)
  })

  it('leave time for a second attempt', () => {
    expect(policyDefaults.attemptTimeoutMs * 2).toBeLessThanOrEqual(policyDefaults.timeoutMs)
  })

  it('cannot be changed by anybody', () => {
    expect(() => ((policyDefaults.breaker as { minCalls: number }).minCalls = 1)).toThrow(TypeError)
    expect(() => ((policyDefaults as { timeoutMs: number }).timeoutMs = 1)).toThrow(TypeError)
  })
})

describe('service options', () => {
  it.each([
    [{ timeoutMs: -1 }, 'services.users.timeoutMs: expected a positive number of milliseconds, got -1'],
    [{ retry: { maxResends: 1.5 } }, 'services.users.retry.maxResends: expected a whole number from 0 to 10, got 1.5'],
    [{ retry: { idempotent: 'POST' } }, 'services.users.retry.idempotent: expected true or false, got "POST"'],
    [{ retry: { budgetRatio: 20 } }, 'services.users.retry.budgetRatio: expected a number from 0 to 1, got 20'],
    [{ retry: { minPerSec: -1 } }, 'services.users.retry.minPerSec: expected a number from 0 to 1000000, got -1'],
    [{ hedge: { percentile: 95 } }, 'services.users.hedge.percentile: expected a number from 0 to 0.9999, got 95'],
    [{ breaker: { failureRatio: 50 } }, 'services.users.breaker.failureRatio: expected a number from 0 to 1, got 50'],
    [{ breaker: { openMs: Infinity } }, 'services.users.breaker.openMs: expected a whole number from 1 to 86400000'],
    [{ breaker: { windowMs: 0 } }, 'services.users.breaker.windowMs: expected a whole number from 10 to 600000, got 0'],
    [{ balancer: { algorithm: 'fastest' } }, "services.users.balancer.algorithm: expected one of 'adaptive'"],
    [{ locality: { overprovisioning: 0.5 } }, 'services.users.locality.overprovisioning: expected a number from 1 to 1000, got 0.5'],
    [{ locality: { mode: 'always' } }, "services.users.locality.mode: expected one of 'prefer', 'off', got"],
    [{ subset: { size: -1 } }, 'services.users.subset.size: expected a whole number of 0 or more, got -1'],
    [{ balancer: { hashHeader: 'x user' } }, 'services.users.balancer.hashHeader: expected the name of a header field, such as x-user, got "x user"'],
    [{ outlier: { maxEjectedRatio: 10 } }, 'services.users.outlier.maxEjectedRatio: expected a number from 0 to 1, got 10'],
    [{ outlier: { successRate: { stdevFactor: -1 } } }, 'services.users.outlier.successRate.stdevFactor: expected a number from 0 to 100, got -1'],
    [{ slowStart: { windowMs: -1 } }, 'services.users.slowStart.windowMs: expected a whole number from 0 to 600000, got -1'],
    [{ breaker: { minCall: 1 } }, 'services.users.breaker.minCall: unknown option'],
  ])('refuses %j by its path', (options, message) => {
    expect(() => serviceOptions(options, 'services.users')).toThrow(message)
  })
})

const PATHS = [
  'attemptTimeoutMs', 'balancer.algorithm', 'balancer.hashCookie', 'balancer.hashHeader',
  'breaker.failureRatio', 'breaker.minCalls', 'breaker.openMs', 'breaker.windowMs', 'hedge.maxExtraRatio', 'hedge.percentile',
  'limits.adaptive', 'limits.maxInFlight', 'limits.maxInFlightPerEndpoint', 'limits.maxWaiting', 'locality.mode', 'locality.overprovisioning',
  'outlier.baseEjectionMs', 'outlier.consecutiveFailures', 'outlier.failureRatio.minRequests', 'outlier.failureRatio.threshold',
  'outlier.intervalMs', 'outlier.maxEjectedRatio', 'outlier.maxEjectionMs',
  'outlier.successRate.minEndpoints', 'outlier.successRate.minRequests', 'outlier.successRate.stdevFactor',
  'retry.backoffMs', 'retry.budgetRatio', 'retry.idempotent', 'retry.maxBackoffMs', 'retry.maxResends', 'retry.minPerSec',
  'slowStart.windowMs', 'spill.maxOffers', 'subset.size', 'throttle.requestsPerAccept', 'throttle.windowMs', 'timeoutMs', 'tls.identity', 'tls.mode',
]

function at(policy: ServicePolicy | ServiceOptions, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], policy)
}
