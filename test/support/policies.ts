import fc from 'fast-check'
import type { AccessPolicy, AccessRule } from '../../src/auth/policy.js'
import type { AccessOperation } from '../../src/auth/rule-operation.js'
import type { AccessSource } from '../../src/auth/rule-source.js'
import { asked, peerOf, type Asked } from './asked.js'
import type { JudgedRequest } from '../../src/auth/matcher.js'
import { readRequestPath } from '../../src/auth/request-path.js'

const word = fc.constantFrom('a', 'orders', 'shop', 'admin', 'spiffe://t/ns/shop/sa/a', 'A', 'x.y')
const patterns = fc.array(fc.oneof(word, word.map((text) => `${text}*`), word.map((text) => `*${text}`), fc.constant('*')), { minLength: 1, maxLength: 3 })
const pathPiece = fc.constantFrom('a', 'admin', ':id', '{*}', 'Admin', 'x.json')
const path = fc.oneof(
  fc.array(pathPiece, { maxLength: 4 }).map((pieces) => `/${pieces.join('/')}`),
  fc.array(fc.constantFrom('a', 'admin'), { minLength: 1, maxLength: 3 }).chain((pieces) => fc.constantFrom(`/${pieces.join('/')}/*`, `/${pieces.join('/')}*`, `*/${pieces.join('/')}`, `/{**}/${pieces.join('/')}`)),
  fc.constant('*'),
)
const some = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { minLength: 1, maxLength: 3 })
const method = some(fc.constantFrom('GET', 'HEAD', 'POST'))
const host = some(fc.constantFrom('a', '*.test', 'users.*', '*'))
const port = some(fc.constantFrom(80, 8080))
const range = some(fc.constantFrom('10.0.0.0/8', '::/0', '127.0.0.1', 'fd00::/8'))

/** Objects of one or two of these fields. */
function fewOf(readers: Readonly<Record<string, fc.Arbitrary<unknown>>>, minLength: number): fc.Arbitrary<object> {
  const one = fc.constantFrom(...Object.entries(readers)).chain(([name, values]) => values.map((value) => [name, value] as const))
  return fc.array(one, { minLength, maxLength: 2 }).map((entries) => Object.fromEntries(entries))
}

const source: fc.Arbitrary<AccessSource> = fewOf(
  { services: patterns, notServices: patterns, principals: patterns, notPrincipals: patterns, namespaces: patterns, notNamespaces: patterns, trustDomains: patterns, issuers: patterns, notIssuers: patterns },
  1,
)
const operation: fc.Arbitrary<AccessOperation> = fewOf(
  { methods: method, notMethods: method, paths: some(path), notPaths: some(path), hosts: host, notHosts: host, ports: port, notPorts: port },
  0,
)
const condition = fc.oneof(
  fc.record({ claim: fc.constantFrom<string | string[]>('role', ['realm', 'roles'], 'scope'), values: patterns }),
  fc.record({ header: fc.constantFrom('x', 'x-env'), values: patterns }),
  fc.record({ header: fc.constantFrom('x', 'x-env'), notValues: patterns }),
  fc.record({ addresses: range }),
  fc.record({ notAddresses: range }),
)

/** Rules that are understood. */
export const rules: fc.Arbitrary<AccessRule> = fc
  .record({ from: some(fc.oneof(word, fc.constant('*'), source)), operation, when: fc.option(fc.array(condition, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 1 }) })
  .map(({ from, operation, when }) => ({ from, ...operation, when }))

/** Policies that are understood. */
export const policies: fc.Arbitrary<AccessPolicy> = fc.record({ allow: fc.array(rules, { maxLength: 3 }), deny: fc.array(rules, { maxLength: 2 }) })

/** Policies with something in them that nobody understands, or anything at all. */
export const wildPolicies: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }),
  fc.record({ allow: fc.anything(), deny: fc.anything() }, { requiredKeys: [] }),
  fc.tuple(rules, fc.string(), fc.anything()).map(([rule, name, value]) => ({ allow: [{ ...rule, [name]: value }] })),
  fc.tuple(fc.constantFrom('from', 'to', 'when', 'paths', 'hosts', 'methods', 'ports', 'notPaths'), fc.oneof(fc.array(fc.string()), fc.array(fc.anything()))).map(([name, value]) => ({ deny: [{ from: ['*'], [name]: value }] })),
)

const anyText = fc.oneof(word, fc.string(), fc.string({ unit: 'binary' }))
const claims = fc.record({ role: fc.oneof(word, fc.array(word), fc.anything()), realm: fc.anything(), scope: fc.oneof(anyText, fc.anything()) }, { requiredKeys: [] })
const headers = fc.dictionary(fc.constantFrom('x', 'x-env', 'host'), anyText)

/** Requests as they may come, whatever is in them; the path is one that is not refused beforehand. */
export const requests: fc.Arbitrary<JudgedRequest> = fc
  .record({
    peer: fc.record({ service: word, principal: fc.oneof(word, anyText), claims, issuer: word }).map(({ service, principal, claims, issuer }) => peerOf(service, principal, claims as Record<string, unknown>, issuer)),
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'get', 'DELETE'),
    path: fc.array(fc.constantFrom('a', 'admin', 'Admin', 'x.json', '%20', 'b', '/'), { maxLength: 5 }).map((pieces) => `/${pieces.join('')}`).filter((target) => 'segments' in readRequestPath(target)),
    headers,
    remoteAddress: fc.constantFrom('10.1.2.3', '::ffff:10.1.2.3', '::1', 'fd00::1', undefined, 'odd'),
    localPort: fc.constantFrom(80, 81, undefined),
  })
  .map((given) => asked(given as Asked))
