import { describe, expect, it } from 'vitest'
import { layerPolicy, type ServiceOptions } from '../../src/call/policy.js'
import { serviceOptions } from '../../src/call/service-options.js'
import { policyDefaults } from '../../src/policy-defaults.js'

const lay = (...said: [string, ServiceOptions][]) => layerPolicy(policyDefaults, said.map(([origin, options]) => ({ origin, options })))

describe('values that belong together', () => {
  it.each<[ServiceOptions, string]>([
    [{ timeoutMs: 800, attemptTimeoutMs: 5_000 }, 'services.users.attemptTimeoutMs: expected at most services.users.timeoutMs of 800, got 5000'],
    [
      { outlier: { baseEjectionMs: 9_000, maxEjectionMs: 8_000 } },
      'services.users.outlier.baseEjectionMs: expected at most services.users.outlier.maxEjectionMs of 8000, got 9000',
    ],
  ])('are refused when one source contradicts itself: %j', (options, message) => {
    expect(() => serviceOptions(options, 'services.users')).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message }))
  })

  it.each<ServiceOptions>([{ timeoutMs: 800, attemptTimeoutMs: 800 }, { timeoutMs: 800 }, { attemptTimeoutMs: 60_000 }, { outlier: { baseEjectionMs: 3_600_000 } }])(
    'are taken when only one is said, or they agree: %j',
    (options) => {
      expect(serviceOptions(options, 'services.users')).toEqual(options)
    },
  )

  it('a default gives way to what was said, and tells so', () => {
    const short = lay(['createMesh', { timeoutMs: 800 }])
    expect(short.policy).toMatchObject({ timeoutMs: 800, attemptTimeoutMs: 800 })
    expect(short.origins).toMatchObject({ timeoutMs: 'createMesh', attemptTimeoutMs: 'default, adapted to timeoutMs' })

    const long = lay(['createMesh', { attemptTimeoutMs: 60_000, outlier: { baseEjectionMs: 3_600_000 } }])
    expect(long.policy).toMatchObject({ timeoutMs: 60_000, attemptTimeoutMs: 60_000, outlier: { maxEjectionMs: 3_600_000 } })
    expect(long.origins).toMatchObject({ timeoutMs: 'default, adapted to attemptTimeoutMs', 'outlier.maxEjectionMs': 'default, adapted to outlier.baseEjectionMs' })
  })

  it("the registry's value gives way to the user's", () => {
    const { policy, origins } = lay(['registry consul', { attemptTimeoutMs: 3_000 }], ['createMesh', { timeoutMs: 800 }])
    expect(policy).toMatchObject({ timeoutMs: 800, attemptTimeoutMs: 800 })
    expect(origins['attemptTimeoutMs']).toBe('registry consul, adapted to timeoutMs')
  })

  it('the defaults themselves agree, and are not written into', () => {
    expect(lay().origins).toEqual(expect.not.objectContaining({ attemptTimeoutMs: expect.stringContaining('adapted') as string }))
    lay(['createMesh', { timeoutMs: 1 }])
    expect(policyDefaults.attemptTimeoutMs).toBe(5_000)
  })
})
