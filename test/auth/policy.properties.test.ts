import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accessPolicy } from '../../src/auth/policy.js'
import { isMeshError } from '../../src/base/errors.js'
import { asked, peerOf, verdictOn } from '../support/asked.js'
import { fuzzRuns, Stopwatch } from '../support/fuzz.js'
import { policies, requests, rules, wildPolicies } from '../support/policies.js'

describe('policy, whatever it says', () => {
  it('Z13 is understood or refused with the path of what is not, and never anything else', () => {
    fc.assert(
      fc.property(wildPolicies, (policy) => {
        try {
          accessPolicy(policy, 'policy')
        } catch (error) {
          expect(isMeshError(error, 'MESH_ERR_OPTION'), String(error)).toBe(true)
          expect((error as Error).message).toMatch(/^policy/)
        }
      }),
      fuzzRuns(2_000),
    )
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('Z13 a field that nobody knows is refused, wherever it stands', () => {
    fc.assert(
      fc.property(rules, fc.string(), (rule, name) => {
        fc.pre(!/^(?:from|to|when|dryRun|(?:methods|paths|hosts|ports|not[MPH]\w+))$/.test(name))
        expect(() => accessPolicy({ allow: [Object.fromEntries([...Object.entries(rule), [name, ['x']]])] }, 'policy')).toThrow('policy.allow[0]')
      }),
      fuzzRuns(500, 0.25),
    )
  })

  it('Z16 whatever a deny rule matches is denied, whatever else allows it', () => {
    let denied = 0
    fc.assert(
      fc.property(policies, rules, requests, (policy, rule, request) => {
        // It would certainly have been allowed by the very rule.
        if (!verdictOn({ allow: [rule] }, request).allowed) return
        denied++
        expect(verdictOn({ allow: [...policy.allow!, { from: ['*'] }], deny: [rule] }, request)).toEqual({ allowed: false, rule: 'policy.deny[0]' })
        expect(verdictOn({ allow: [rule], deny: [...policy.deny!, rule] }, request).allowed).toBe(false)
      }),
      fuzzRuns(2_000, 0.25),
    )
    expect(denied).toBeGreaterThan(20)
  })

  it('Z05 nothing is allowed but by a rule that allows it by itself, and no rule more in `deny` ever allows', () => {
    let allowed = 0
    fc.assert(
      fc.property(policies, rules, requests, (policy, rule, request) => {
        const verdict = verdictOn(policy, request)
        const by = policy.allow!.map((one) => verdictOn({ allow: [one] }, request).allowed)
        if (verdict.allowed) allowed++
        expect(verdict.allowed && !by.includes(true)).toBe(false)
        expect(!verdict.allowed && verdictOn({ ...policy, deny: [...policy.deny!, rule] }, request).allowed).toBe(false)
      }),
      fuzzRuns(2_000, 0.25),
    )
    expect(allowed).toBeGreaterThan(20)
  })

  it('Z10 no doubt lets a request pass: what a rule allows for certain, it also denies; and neither takes a millisecond', async () => {
    const watch = new Stopwatch()
    fc.assert(
      fc.property(rules, requests, (rule, request) => {
        const [allows, denies] = [{ allow: [rule] }, { allow: [{ from: ['*'] }], deny: [rule] }].map((policy) => accessPolicy(policy, 'policy'))
        const allowed = watch.time([rule, request], 1, () => allows!.judge(request)).allowed
        const spared = watch.time([rule, request], 1, () => denies!.judge(request)).allowed
        expect(allowed && spared).toBe(false)
      }),
      fuzzRuns(2_000),
    )
    expect(await watch.tooSlow()).toBeUndefined()
  })
})

describe('policy, however long the request', () => {
  const paths = ['/a/*', '/a*', '*a', '*/a', '/{**}/a', '/{*}/{**}/a/a', '/:x/:y/:z', '*', '/a/a/a/a']
  const deny = [
    { from: ['nobody'] },
    { from: [{ services: ['x*', '*x'], principals: ['*/sa/x'], namespaces: ['x'], trustDomains: ['x'] }] },
    { from: ['*'], paths, methods: ['PUT'] },
    { from: ['*'], notPaths: ['*'], hosts: ['x', '*.x', 'x.*'] },
    { from: ['*'], when: [{ header: 'x', values: ['b*', '*b', 'b'] }, { claim: 'scope', values: ['b'] }, { claim: ['a', 'b'], values: ['b'] }, { addresses: ['10.0.0.0/8'] }] },
  ]
  const { judge } = accessPolicy({ allow: [{ from: ['mail'] }, { from: ['*'], paths: ['/b/*', '/b*', '*b', '/{**}/b'] }], deny }, 'policy')
  const piece = fc.constantFrom('/a', '/aaa', 'a', '%20', '/A.')

  /** Everything that a caller can make long, so long. */
  const long = (unit: string, length: number): ReturnType<typeof asked> => {
    const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
    const target = `/x${unit.repeat(Math.floor(length / unit.length))}`
    const claims = { scope: 'a '.repeat(length / 2), a: { b: Array.from({ length: length / 10 }, () => 'a') } }
    return asked({ peer: peerOf('s', `spiffe://${text}`, claims), path: target, headers: { host: `${'a.'.repeat(length / 2)}a`, x: 'a,'.repeat(length / 2) } })
  }

  it('Z12 takes time in proportion to its length: ten times as long is not a hundred times as slow', () => {
    for (const unit of fc.sample(piece, { numRuns: 10, seed: 1 })) {
      const cost = (length: number): number => leastMs(() => void judge(long10.get(`${unit}${length}`)!))
      const long10 = new Map([1_000, 10_000].map((length) => [`${unit}${length}`, long(unit, length)] as const))
      expect(cost(10_000) / Math.max(cost(1_000), 0.02), unit).toBeLessThan(50)
    }
  })

  it.each([...paths, '/a/{*}', '/{**}/a/', '*.json'])('Z12 a path of 10 000 characters takes the pattern %s at most a millisecond', (pattern) => {
    for (const unit of ['/a', '/aaaaaaaaa', 'a', '/A.', '%20']) {
      const request = asked({ path: `/x${unit.repeat(Math.floor(10_000 / unit.length))}` })
      for (const policy of [{ allow: [{ from: ['*'], paths: [pattern] }] }, { allow: [{ from: ['*'] }], deny: [{ from: ['*'], paths: [pattern] }] }]) {
        const compiled = accessPolicy(policy, 'policy')
        // A bound of the contract; the least of several is what it takes, and the rest is the machine.
        expect(leastMs(() => void compiled.judge(request)), unit).toBeLessThan(1)
      }
    }
  })
})

function leastMs(task: () => void): number {
  let least = Infinity
  for (let i = 0; i < 15; i++) {
    const startedAt = performance.now()
    task()
    least = Math.min(least, performance.now() - startedAt)
  }
  return least
}
