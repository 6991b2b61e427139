import { describe, expect, it } from 'vitest'
import { livePolicy, policySource } from '../../src/auth/live-policy.js'
import type { AccessPolicy } from '../../src/auth/policy.js'
import { asked } from '../support/asked.js'

const OPEN: AccessPolicy = { allow: [{ from: ['*'] }] }
const SHUT: AccessPolicy = { allow: [{ from: ['*'] }], deny: [{ from: ['orders'] }] }

describe('live policy', () => {
  it('Z13 is not made of what is not understood', () => {
    expect(() => livePolicy({ alow: [] } as AccessPolicy)).toThrow('policy.alow: unknown option')
  })

  it('judges by the last one that was given, at once and everywhere', () => {
    const policy = livePolicy(OPEN)
    const [one, other] = [policySource(policy, 'policy'), policySource(policy, 'policy')]
    expect(one.current.judge(asked()).allowed).toBe(true)
    policy.replace(SHUT)
    for (const source of [one, other]) expect(source.current.judge(asked())).toEqual({ allowed: false, rule: 'policy.deny[0]' })
  })

  it('Z13 keeps the last good one when another is not understood, throws, and tells it', () => {
    const policy = livePolicy(SHUT)
    const told: string[] = []
    policy.listen({ replaced: () => told.push('replaced'), refused: (reason) => told.push(reason) })
    expect(() => policy.replace({ allow: [{ from: [] }] })).toThrow('policy.allow[0].from: expected a list of at least one')
    expect(policy.current.judge(asked())).toEqual({ allowed: false, rule: 'policy.deny[0]' })
    policy.replace(OPEN)
    expect(told).toEqual([expect.stringContaining('policy.allow[0].from'), 'replaced'])
  })

  it('tells nobody who does not listen any more', () => {
    const policy = livePolicy(SHUT)
    const told: string[] = []
    const listen = (name: string) => policy.listen({ replaced: () => told.push(name), refused: () => told.push(name) })
    const [stop] = [listen('one'), listen('other')]
    stop()
    policy.replace(OPEN)
    expect(told).toEqual(['other'])
  })

  it('a plain policy stands for good', () => {
    expect(policySource(OPEN, 'policy').current.judge(asked()).allowed).toBe(true)
    expect(() => policySource([], 'policy')).toThrow('policy: expected a plain object')
  })
})
