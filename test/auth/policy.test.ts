import { describe, expect, it } from 'vitest'
import { accessPolicy, withoutPolicy, type AccessPolicy, type Verdict } from '../../src/auth/policy.js'
import { asked, peerOf, verdictOn } from '../support/asked.js'

function judge(policy: AccessPolicy, service: string, method: string, path: string): Verdict {
  return verdictOn(policy, asked({ peer: peerOf(service), method, path }))
}

const POLICY: AccessPolicy = {
  allow: [
    { from: ['orders'], methods: ['GET'], paths: ['/users/:id'] },
    { from: ['admin'], paths: ['/*'] },
    { from: ['*'], methods: ['GET'], paths: ['/public/*'] },
  ],
}

describe('policy', () => {
  it.each<[string, string, string, string | undefined]>([
    ['orders', 'GET', '/users/42', 'policy.allow[0]'],
    ['orders', 'HEAD', '/users/42', 'policy.allow[0]'],
    ['admin', 'DELETE', '/users/42', 'policy.allow[1]'],
    ['anybody', 'GET', '/public/a/b', 'policy.allow[2]'],
    ['orders', 'POST', '/users/42', undefined],
    ['orders', 'get', '/users/42', undefined],
    ['orders', 'OPTIONS', '/users/42', undefined],
    ['orders', 'GET', '/users', undefined],
    ['orders', 'GET', '/Users/42', undefined],
    ['orders', 'GET', '/users/42/', undefined],
    ['Orders', 'GET', '/users/42', undefined],
    ['anybody', 'POST', '/public/a', undefined],
  ])('lets %s %s %s pass by %s', (service, method, path, rule) => {
    expect(judge(POLICY, service, method, path)).toEqual(
      rule === undefined ? { allowed: false, rule: 'no rule of policy.allow matches' } : { allowed: true, rule },
    )
  })

  it('Z05 without a policy, or with an empty one, everything is refused, and the reason says what to do', () => {
    const refusal = (reason: string): Verdict => ({ allowed: false, rule: expect.stringContaining(reason) as string })
    expect(withoutPolicy.judge(asked())).toEqual(refusal('give the option `policy`'))
    for (const empty of [{}, { allow: [] }, { deny: [] }]) {
      expect(judge(empty, 'orders', 'GET', '/')).toEqual(refusal('policy.allow is empty'))
    }
  })

  it('Z16 a deny rule wins over an allow rule', () => {
    const policy = { ...POLICY, deny: [{ from: ['admin'], paths: ['/users/:id'] }] }
    expect(judge(policy, 'admin', 'GET', '/users/42')).toEqual({ allowed: false, rule: 'policy.deny[0]' })
    expect(judge(policy, 'admin', 'GET', '/orders')).toMatchObject({ allowed: true })
  })

  it('Z02 a deny rule covers what only some routers take for its path, and HEAD with GET', () => {
    const policy: AccessPolicy = { allow: [{ from: ['*'] }], deny: [{ from: ['*'], methods: ['GET'], paths: ['/admin'] }] }
    for (const path of ['/admin', '/Admin', '/admin/']) {
      expect(judge(policy, 'orders', 'HEAD', path), path).toMatchObject({ allowed: false })
    }
    expect(judge(policy, 'orders', 'GET', '/other')).toMatchObject({ allowed: true })
  })

  it('Z11 a principal with dots is meant literally', () => {
    const verdict = (principal: string): boolean =>
      verdictOn({ allow: [{ from: ['spiffe://mesh.test/ns/shop'] }] }, asked({ peer: peerOf('x', principal) })).allowed
    expect(verdict('spiffe://mesh.test/ns/shop')).toBe(true)
    expect(verdict('spiffe://meshXtest/ns/shop')).toBe(false)
  })

  it.each<[unknown, string]>([
    [[], 'policy: expected a plain object'],
    ['allow', 'policy: expected a plain object'],
    [{ alow: [] }, 'policy.alow: unknown option; expected one of allow, deny'],
    [{ allow: {} }, 'policy.allow: expected a list'],
    [{ allow: [{ methods: ['GET'] }] }, "policy.allow[0].from: expected a list of services, or ['*']"],
    [{ allow: [{ from: 'orders' }] }, 'policy.allow[0].from: expected a list'],
    [{ allow: [{ from: [] }] }, 'policy.allow[0].from: expected a list of at least one'],
    [{ allow: [{ from: ['ord*'] }] }, "policy.allow[0].from[0]: expected the name of a service, a principal, or '*' alone"],
    [{ allow: [{ from: ['a'], methods: ['get'] }] }, 'policy.allow[0].methods[0]: expected a method in upper case'],
    [{ allow: [{ from: ['a'], methods: [] }] }, 'policy.allow[0].methods: expected a list of at least one'],
    [{ allow: [{ from: ['a'], paths: ['users'] }] }, 'policy.allow[0].paths[0]: expected a path'],
    [{ deny: [{ from: ['a'], when: {} }] }, 'policy.deny[0].when: expected a list'],
    [{ deny: [{ from: ['a'], when: [] }] }, 'policy.deny[0].when: expected a list of at least one'],
    [{ deny: [{ from: ['a'], when: [{}] }] }, 'policy.deny[0].when[0]: expected either a claim, a header or addresses'],
    [{ deny: [{ from: ['a'], when: [{ claim: 'a' }] }] }, 'policy.deny[0].when[0].values: expected values, notValues or both'],
    [{ deny: [{ from: ['a'], when: [{ claim: 'a', header: 'b', values: ['c'] }] }] }, 'policy.deny[0].when[0]: expected either'],
    [{ deny: [{ from: ['a'], when: [{ claim: 'a', value: 'c' }] }] }, 'policy.deny[0].when[0].value: unknown option'],
    [{ deny: [{ from: ['a'], when: [{ claim: [], values: ['c'] }] }] }, 'policy.deny[0].when[0].claim: expected a list of at least one'],
    [{ deny: [{ from: ['a'], when: [{ header: 'a b', values: ['c'] }] }] }, 'policy.deny[0].when[0].header: expected the name of a header field'],
    [{ deny: [{ from: ['a'], when: [{ header: 'a', values: ['a*b'] }] }] }, 'policy.deny[0].when[0].values[0]: expected a text'],
    [{ deny: [{ from: ['a'], when: [{ addresses: ['10.0.0.1/8'] }] }] }, 'policy.deny[0].when[0].addresses[0]: expected an IP address or a range'],
    [{ deny: [{ from: ['a'], when: [{ addresses: ['::1'], claim: 'a' }] }] }, 'policy.deny[0].when[0].claim: unknown option'],
    [{ deny: [{ from: [{}] }] }, 'policy.deny[0].from[0]: expected at least one of services, notServices'],
    [{ deny: [{ from: [{ principal: ['a'] }] }] }, 'policy.deny[0].from[0].principal: unknown option'],
    [{ deny: [{ from: [{ principals: ['a*b'] }] }] }, 'policy.deny[0].from[0].principals[0]: expected a text'],
    [{ deny: [{ from: [{ notNamespaces: ['**'] }] }] }, 'policy.deny[0].from[0].notNamespaces[0]: expected a text'],
    [{ deny: [{ from: ['a'], notPaths: ['a'] }] }, 'policy.deny[0].notPaths[0]: expected a path'],
    [{ deny: [{ from: ['a'], to: [{}] }] }, 'policy.deny[0].to[0]: expected at least one of methods, notMethods'],
    [{ deny: [{ from: ['a'], to: [{ path: ['/a'] }] }] }, 'policy.deny[0].to[0].path: unknown option'],
    [{ deny: [{ from: ['a'], to: [{ paths: ['/a'] }], methods: ['GET'] }] }, 'policy.deny[0].to: expected either operations or methods, got "both"'],
    [{ deny: [{ from: ['a'], hosts: ['users:80'] }] }, 'policy.deny[0].hosts[0]: expected a host without a port'],
    [{ deny: [{ from: ['a'], ports: [0] }] }, 'policy.deny[0].ports[0]: expected a whole number'],
    [{ deny: [{ from: ['a'], dryRun: 'yes' }] }, 'policy.deny[0].dryRun: expected true or false'],
    [{ dryRun: true }, 'policy.dryRun: expected a plain object'],
    [{ dryRun: { alow: [] } }, 'policy.dryRun.alow: unknown option'],
    [JSON.parse('{"__proto__":{"allow":[]}}'), 'policy.__proto__: unknown option'],
    [{ constructor: [] }, 'policy.constructor: unknown option'],
  ])('Z13 Z17 refuses %j', (policy, message) => {
    expect(() => accessPolicy(policy, 'policy')).toThrow(message)
    expect(({} as { allow?: unknown }).allow).toBeUndefined()
  })

  it('what is only tried decides nothing, and says what it would have decided', () => {
    const policy: AccessPolicy = {
      allow: [{ from: ['orders'] }, { from: ['mail'], dryRun: true }],
      deny: [{ from: ['*'], paths: ['/admin'], dryRun: true }],
      dryRun: { allow: [{ from: ['*'] }] },
    }
    const { judge, trials } = accessPolicy(policy, 'policy')
    const verdicts = (service: string, path: string): unknown[] => {
      const request = asked({ peer: peerOf(service), path })
      return [judge(request), ...trials.map((trial) => trial(request))].map(({ allowed, rule }) => `${allowed} ${rule}`)
    }
    expect(verdicts('orders', '/admin')).toEqual(['true policy.allow[0]', 'false policy.deny[0]', 'true policy.dryRun.allow[0]'])
    expect(verdicts('mail', '/')).toEqual(['false no rule of policy.allow matches', 'true policy.allow[1]', 'true policy.dryRun.allow[0]'])
    expect(accessPolicy({ allow: [{ from: ['*'] }] }, 'policy').trials).toEqual([])
  })

  it('is copied: what its owner changes later changes no verdict', () => {
    const from = ['orders']
    const compiled = accessPolicy({ allow: [{ from }] }, 'policy')
    from.push('intruder')
    expect(compiled.judge(asked({ peer: peerOf('intruder') })).allowed).toBe(false)
  })
})
