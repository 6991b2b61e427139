import { describe, expect, it } from 'vitest'
import { accessPolicy, withoutPolicy, type AccessPolicy, type Verdict } from '../../src/auth/policy.js'
import { readRequestPath } from '../../src/auth/request-path.js'
import type { Peer } from '../../src/call/inbound.js'

function judge(policy: AccessPolicy, service: string, method: string, path: string): Verdict {
  const read = readRequestPath(path) as { segments: readonly string[] }
  return accessPolicy(policy, 'policy')(peer(service), method, read.segments)
}

function peer(service: string, principal = service): Peer {
  return { service, principal, issuer: 'i', claims: {} }
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
    expect(withoutPolicy(peer('orders'), 'GET', [''])).toEqual(refusal('give the option `policy`'))
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
      accessPolicy({ allow: [{ from: ['spiffe://mesh.test/ns/shop'] }] }, 'policy')(peer('x', principal), 'GET', ['']).allowed
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
    [{ deny: [{ from: ['a'], when: {} }] }, 'policy.deny[0].when: unknown option'],
    [{ deny: [{ from: ['a'], notPaths: ['/a'] }] }, 'policy.deny[0].notPaths: unknown option'],
    [JSON.parse('{"__proto__":{"allow":[]}}'), 'policy.__proto__: unknown option'],
    [{ constructor: [] }, 'policy.constructor: unknown option'],
  ])('Z13 Z17 refuses %j', (policy, message) => {
    expect(() => accessPolicy(policy, 'policy')).toThrow(message)
    expect(({} as { allow?: unknown }).allow).toBeUndefined()
  })

  it('is copied: what its owner changes later changes no verdict', () => {
    const from = ['orders']
    const compiled = accessPolicy({ allow: [{ from }] }, 'policy')
    from.push('intruder')
    expect(compiled(peer('intruder'), 'GET', ['']).allowed).toBe(false)
  })
})
