import { describe, expect, it } from 'vitest'
import type { AccessPolicy, AccessRule } from '../../src/auth/policy.js'
import { asked, peerOf, verdictOn, type Asked } from '../support/asked.js'

const ALL: AccessRule = { from: ['*'] }
const SHOP = peerOf('orders', 'spiffe://mesh.test/ns/shop/sa/orders', {
  groups: ['staff', 'admin'],
  realm: { roles: ['reader'], tenant: 'a' },
  scope: 'read write',
  level: 7,
  'a.b': 'dotted',
  odd: { x: 1 },
  mixed: ['ok', { x: 1 }],
})
const POD = peerOf('mail', 'system:serviceaccount:post:mail')
const PLAIN = peerOf('plain')

/** [what Istio's reference says, the rule but for its `from`, requests that it matches, requests that it does not] */
type Case = readonly [claim: string, rule: Partial<AccessRule>, matched: readonly Asked[], unmatched: readonly Asked[]]

const CASES: readonly Case[] = [
  ['a rule without `to` and `when` matches every operation', {}, [{}, { method: 'DELETE', path: '/x' }], []],
  ['fields of an operation are joined by AND', { methods: ['POST'], paths: ['/x'] }, [{ method: 'POST', path: '/x' }], [{ path: '/x' }, { method: 'POST' }]],
  ['values of a field are joined by OR', { methods: ['PUT', 'POST'] }, [{ method: 'PUT' }, { method: 'POST' }], [{}]],
  [
    'operations are joined by OR',
    { to: [{ methods: ['GET'], paths: ['/info*'] }, { methods: ['POST'], paths: ['/data'] }] },
    [{ path: '/info' }, { path: '/information/x' }, { method: 'POST', path: '/data' }],
    [{ method: 'POST', path: '/info' }, { path: '/data' }],
  ],
  ['sources are joined by OR', { from: [{ namespaces: ['shop'] }, { principals: ['plain'] }] }, [{ peer: SHOP }, { peer: PLAIN }], [{ peer: POD }]],
  ['fields of a source are joined by AND', { from: [{ namespaces: ['shop'], principals: ['*/mail'] }] }, [], [{ peer: SHOP }, { peer: POD }]],
  ['principals match exactly', { from: [{ principals: ['spiffe://mesh.test/ns/shop/sa/orders'] }] }, [{ peer: SHOP }], [{ peer: POD }]],
  ['principals match by prefix', { from: [{ principals: ['spiffe://mesh.test/ns/shop/*'] }] }, [{ peer: SHOP }], [{ peer: POD }]],
  ['principals match by suffix', { from: [{ principals: ['*/sa/orders'] }] }, [{ peer: SHOP }], [{ peer: PLAIN }]],
  ['principals match by presence', { from: [{ principals: ['*'] }] }, [{ peer: SHOP }, { peer: PLAIN }], []],
  ['notPrincipals', { from: [{ notPrincipals: ['*/sa/orders'] }] }, [{ peer: POD }], [{ peer: SHOP }]],
  ['namespaces, of SPIFFE IDs and of service accounts', { from: [{ namespaces: ['shop', 'po*'] }] }, [{ peer: SHOP }, { peer: POD }], [{ peer: PLAIN }]],
  ['a caller without a namespace is in none', { from: [{ notNamespaces: ['shop'] }] }, [{ peer: POD }, { peer: PLAIN }], [{ peer: SHOP }]],
  ['presence asks for a namespace', { from: [{ namespaces: ['*'], notNamespaces: ['shop'] }] }, [{ peer: POD }], [{ peer: PLAIN }, { peer: SHOP }]],
  ['trust domains', { from: [{ trustDomains: ['mesh.test'] }] }, [{ peer: SHOP }], [{ peer: POD }, { peer: peerOf('x', 'spiffe://mesh.test.evil/x') }]],
  ['issuers', { from: [{ issuers: ['https://issuer.test'] }] }, [{ peer: PLAIN }], [{ peer: peerOf('plain', 'plain', {}, 'https://other.test') }]],
  ['services', { from: [{ services: ['ord*'] }] }, [{ peer: SHOP }], [{ peer: POD }]],
  ['notMethods', { notMethods: ['DELETE'] }, [{}], [{ method: 'DELETE' }]],
  ['paths match exactly', { paths: ['/x'] }, [{ path: '/x' }], [{ path: '/x/y' }, { path: '/y' }]],
  ['paths match by prefix', { paths: ['/us*'] }, [{ path: '/users' }, { path: '/us/x' }], [{ path: '/u' }, { path: '/x/us' }]],
  ['paths match by suffix', { paths: ['*/admin', '*.json'] }, [{ path: '/admin' }, { path: '/x/admin' }, { path: '/a.json' }], [{ path: '/xadmin' }, { path: '/admin/x' }]],
  ['paths match by presence', { paths: ['*'] }, [{ path: '/' }, { path: '/x/y' }], []],
  ['{*} is one segment', { paths: ['/foo/{*}'] }, [{ path: '/foo/bar' }], [{ path: '/foo/bar/baz' }, { path: '/foo' }]],
  ['{**} is any number', { paths: ['/foo/{*}/bar/{**}'] }, [{ path: '/foo/buzz/bar/' }, { path: '/foo/buzz/bar/baz' }], [{ path: '/foo/bar/baz' }]],
  ['literals after {**}', { paths: ['/foo/{**}/end'] }, [{ path: '/foo/a/end' }, { path: '/foo/a/b/end' }], [{ path: '/foo/a' }]],
  ['notPaths', { notPaths: ['/admin', '/private/*'] }, [{ path: '/x' }], [{ path: '/admin' }, { path: '/private/x' }]],
  [
    'hosts are compared without regard to case and port',
    { hosts: ['users.test', '*.shop.test'] },
    [{ headers: { host: 'users.test' } }, { headers: { host: 'USERS.test:8080' } }, { headers: { host: 'users.test.' } }, { headers: { host: 'a.b.shop.test' } }],
    [{ headers: { host: 'users.test.evil' } }, { headers: { host: 'shop.test' } }],
  ],
  ['notHosts', { notHosts: ['internal.*'] }, [{ headers: { host: 'users' } }], [{ headers: { host: 'Internal.test:80' } }]],
  ['ports are those of the server', { ports: [8080] }, [{ localPort: 8080 }], [{ localPort: 8081 }]],
  ['notPorts', { notPorts: [8080] }, [{ localPort: 8081 }], [{ localPort: 8080 }]],
  ['source addresses', { when: [{ addresses: ['10.0.0.0/8'] }] }, [{ remoteAddress: '10.9.9.9' }, { remoteAddress: '::ffff:10.9.9.9' }], [{ remoteAddress: '11.0.0.1' }]],
  ['negative source addresses', { when: [{ notAddresses: ['10.0.0.0/8'] }] }, [{ remoteAddress: '::1' }], [{ remoteAddress: '10.0.0.1' }]],
  ['X-Forwarded-For is not the source', { when: [{ addresses: ['192.0.2.1'] }] }, [], [{ headers: { 'x-forwarded-for': '192.0.2.1' } }]],
  ['headers', { when: [{ header: 'User-Agent', values: ['Mozilla/*'] }] }, [{ headers: { 'user-agent': 'Mozilla/5.0' } }], [{}, { headers: { 'user-agent': 'curl' } }]],
  ['a header that is absent is none of notValues', { when: [{ header: 'x-env', notValues: ['test'] }] }, [{}, { headers: { 'x-env': 'live' } }], [{ headers: { 'x-env': 'test' } }]],
  ['a header by presence', { when: [{ header: 'x-env', values: ['*'] }] }, [{ headers: { 'x-env': 'a' } }], [{}]],
  ['conditions are joined by AND', { when: [{ claim: 'scope', values: ['read'] }, { claim: 'groups', values: ['nobody'] }] }, [], [{ peer: SHOP }]],
  ['one of a list of claims is enough', { when: [{ claim: 'groups', values: ['adm*'] }] }, [{ peer: SHOP }], [{ peer: PLAIN }]],
  ['none of a list of claims may be among notValues', { when: [{ claim: 'groups', notValues: ['admin'] }] }, [{ peer: PLAIN }], [{ peer: SHOP }]],
  ['nested claims', { when: [{ claim: ['realm', 'roles'], values: ['reader'] }] }, [{ peer: SHOP }], [{ peer: PLAIN }]],
  ['scopes are a list', { when: [{ claim: 'scope', values: ['write'] }] }, [{ peer: SHOP }], [{ peer: PLAIN }]],
  ['a claim with a dot is one name', { when: [{ claim: 'a.b', values: ['dotted'] }] }, [{ peer: SHOP }], [{ peer: peerOf('x', 'x', { a: { b: 'dotted' } }) }]],
  ['values and notValues of one condition both hold', { when: [{ claim: 'groups', values: ['staff'], notValues: ['admin'] }] }, [{ peer: peerOf('x', 'x', { groups: 'staff' }) }], [{ peer: SHOP }]],
]

describe('the meaning that Istio documents', () => {
  it.each(CASES)('Z01 %s', (_, rule, matched, unmatched) => {
    const whole = { ...ALL, ...rule }
    for (const request of matched) {
      expect(verdictOn({ allow: [whole] }, asked(request)), JSON.stringify(request)).toEqual({ allowed: true, rule: 'policy.allow[0]' })
      expect(verdictOn({ allow: [ALL], deny: [whole] }, asked(request))).toEqual({ allowed: false, rule: 'policy.deny[0]' })
    }
    for (const request of unmatched) {
      expect(verdictOn({ allow: [whole] }, asked(request)).allowed, JSON.stringify(request)).toBe(false)
      expect(verdictOn({ allow: [ALL], deny: [whole] }, asked(request)).allowed, JSON.stringify(request)).toBe(true)
    }
  })

  it.each<[string, AccessPolicy, Asked, boolean]>([
    ['no policy at all refuses, where Istio lets through', {}, {}, false],
    ['a policy of denials alone refuses the rest, where Istio lets it through', { deny: [{ from: ['mail'] }] }, {}, false],
    ['GET covers HEAD', { allow: [{ from: ['*'], methods: ['GET'] }] }, { method: 'HEAD' }, true],
    ['a denied path is denied in any case', { allow: [ALL], deny: [{ from: ['*'], paths: ['/admin'] }] }, { path: '/ADMIN/' }, false],
    ['a negative path of an allowing rule holds in any case', { allow: [{ from: ['*'], notPaths: ['/adm*', '*/secret'] }] }, { path: '/Admin' }, false],
    ['a negative suffix too', { allow: [{ from: ['*'], notPaths: ['/adm*', '*/secret'] }] }, { path: '/x/Secret/' }, false],
    ['a claim that is a number is compared by its text', { allow: [{ from: ['*'], when: [{ claim: 'level', values: ['7'] }] }] }, { peer: SHOP }, true],
  ])('Z01 differs: %s', (_, policy, request, allowed) => {
    expect(verdictOn(policy, asked(request)).allowed).toBe(allowed)
  })
})

describe('doubt', () => {
  const positive = (field: Partial<AccessRule>, negative: Partial<AccessRule>, doubtful: Asked): void => {
    const lets = (policy: AccessPolicy): boolean => verdictOn(policy, asked(doubtful)).allowed
    expect(lets({ allow: [{ ...ALL, ...field }] }), 'allow').toBe(false)
    expect(lets({ allow: [{ ...ALL, ...negative }] }), 'allow not').toBe(false)
    expect(lets({ allow: [ALL], deny: [{ ...ALL, ...field }] }), 'deny').toBe(false)
    expect(lets({ allow: [ALL], deny: [{ ...ALL, ...negative }] }), 'deny not').toBe(false)
  }

  it.each(['good, evil', 'evil, good', 'good,evil', 'good, ', 'go\u00f3d', 'good\u0000', '\u00ff'])('Z10 a header %j never lets a request pass', (value) => {
    positive({ when: [{ header: 'x', values: ['good'] }] }, { when: [{ header: 'x', notValues: ['good'] }] }, { headers: { x: value } })
  })

  it('Z10 a header that came twice with one value is that value', () => {
    expect(verdictOn({ allow: [{ ...ALL, when: [{ header: 'x', values: ['good', '*good'] }] }] }, asked({ headers: { x: 'good, good' } })).allowed).toBe(true)
  })

  it.each(['users, evil', 'users@evil', 'users:80:80', 'us\u00e9rs', ' users', ''])('Z08 Z10 a host %j never lets a request pass', (host) => {
    positive({ hosts: ['users'] }, { notHosts: ['users'] }, { headers: { host } })
    positive({ hosts: ['users'] }, { notHosts: ['users'] }, {})
  })

  it('a port or an address that is not known never lets a request pass', () => {
    positive({ ports: [80] }, { notPorts: [80] }, { localPort: undefined })
    positive({ when: [{ addresses: ['::/0'] }] }, { when: [{ notAddresses: ['::/0'] }] }, { remoteAddress: undefined })
  })

  it.each([null, { x: 1 }, [['admin']], [{}]])('a claim of the shape %j never lets a request pass', (role) => {
    const peer = peerOf('x', 'x', { role })
    positive({ when: [{ claim: 'role', values: ['admin'] }] }, { when: [{ claim: 'role', notValues: ['admin'] }] }, { peer })
  })

  it('no claim is one of the prototype of things', () => {
    for (const claim of ['constructor', '__proto__', ['realm', 'constructor'], 'toString']) {
      expect(verdictOn({ allow: [{ ...ALL, when: [{ claim, values: ['*'] }] }] }, asked({ peer: SHOP })).allowed).toBe(false)
    }
  })
})
