import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { JsonWebKey } from '../../src/auth/json-web-key.js'
import { part } from './raw-token.js'

const parse = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>

/**
 * The moves of those who test tokens for a living, made by rule from one good token and the issuer's public key: no algorithm, other
 * algorithms, the public key as a secret, keys that the token brings along or points to, ids that are paths and queries, claims
 * changed without and with a signature of one's own, and signatures that are none.
 */
export function forgeries(good: string, jwk: JsonWebKey, publicKey: KeyObject): readonly (readonly [move: string, token: string])[] {
  const [head, body, signature] = good.split('.') as [string, string, string]
  const [header, claims] = [parse(head), parse(body)]
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ownJwk = { ...(own.publicKey.export({ format: 'jwk' }) as JsonWebKey), kid: header['kid'] as string }
  const admin = { ...claims, sub: 'admin' }
  const input = (h: object, c: object = admin): string => `${part(h)}.${part(c)}`
  const withOwn = (h: object, c: object = admin): string => `${input(h, c)}.${sign('sha256', Buffer.from(input(h, c)), { key: own.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  const withSecret = (h: object, secret: string | Buffer, hash = 'sha256'): string => `${input(h)}.${createHmac(hash, secret).update(input(h)).digest('base64url')}`
  const moves: [string, string][] = []

  for (const alg of ['none', 'None', 'NONE', 'nOnE', 'n0ne', '', ' none', 'none\u0000']) {
    for (const end of ['', '.', `.${signature}`, '.AA']) moves.push([`alg ${alg} ending ${end.slice(0, 3)}`, `${input({ ...header, alg })}${end}`])
  }
  const forms = { spki: publicKey.export({ type: 'spki', format: 'pem' }), der: publicKey.export({ type: 'spki', format: 'der' }), jwk: JSON.stringify(jwk), x: jwk.x!, set: JSON.stringify({ keys: [jwk] }), empty: '', null: '\0', weak: 'secret' }
  for (const [form, secret] of Object.entries(forms)) {
    for (const [alg, hash] of [['HS256', 'sha256'], ['HS384', 'sha384'], ['HS512', 'sha512'], ['ES256', 'sha256']] as const) {
      moves.push([`${alg} with ${form}`, withSecret({ ...header, alg }, secret, hash)])
      if (typeof secret === 'string') moves.push([`${alg} with ${form} and a line break`, withSecret({ ...header, alg }, `${secret}\n`, hash)])
    }
  }
  for (const brought of [{ jwk: ownJwk }, { jku: 'http://127.0.0.1:9/jwks.json' }, { jku: 'file:///etc/passwd' }, { x5u: 'http://127.0.0.1:9/x' }, { x5c: ['MIIB'] }, { x5t: 'AAAA' }, { crit: ['exp'] }, { b64: false, crit: ['b64'] }, { zip: 'DEF' }, { cty: 'JWT' }]) {
    moves.push([`brings ${Object.keys(brought).join()}`, withOwn({ ...header, ...brought })])
  }
  for (const kid of ['../../../../dev/null', '/dev/null', '/proc/self/environ', "x' UNION SELECT 'key';--", '|sleep 5', '`id`', '$(id)', '__proto__', 'constructor', 'toString', '', '\0', '0', 'http://127.0.0.1:9/key', '*', '%00', 'a'.repeat(4_000)]) {
    moves.push([`kid ${kid.slice(0, 20)}`, withOwn({ ...header, kid })], [`kid ${kid.slice(0, 20)} and an empty secret`, withSecret({ ...header, kid, alg: 'HS256' }, '')])
  }
  for (const kid of [null, 7, [], {}, [header['kid']], true]) moves.push([`kid ${JSON.stringify(kid)}`, withOwn({ ...header, kid })])
  for (const alg of ['ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519', 'ES256K', null, 1, ['ES256'], { ES256: 1 }]) moves.push([`alg ${JSON.stringify(alg)}`, withOwn({ ...header, alg })], [`alg ${JSON.stringify(alg)}, signature kept`, `${input({ ...header, alg }, claims)}.${signature}`])
  for (const typ of ['JWT', 'jwt', 'dpop+jwt', 'wpt+jwt', 'wit+jwt', 'secevent+jwt', 'at+jwt ', null, undefined]) moves.push([`typ ${String(typ)}`, `${input({ ...header, typ }, claims)}.${signature}`])
  const changed: object[] = [admin, { sub: 'orders,admin' }, { sub: ['orders', 'admin'] }, { exp: 99_999_999_999 }, { exp: null }, { exp: undefined }, { iat: 0 }, { aud: '*' }, { aud: ['users', '*'] }, { iss: 'http://attacker.test' }, { scope: '*' }, { admin: true }, { ['__proto__']: { admin: true } }, { nbf: 0 }]
  for (const change of changed) {
    const other = { ...claims, ...change }
    moves.push([`claims ${JSON.stringify(change).slice(0, 40)}, signature kept`, `${head}.${part(other)}.${signature}`], [`claims ${JSON.stringify(change).slice(0, 40)}, own signature`, withOwn(header, other)])
  }
  // The "psychic" signature, of zeros, and others beside the good one.
  const bytes = Buffer.from(signature, 'base64url')
  const signatures = ['', '=', Buffer.alloc(64).toString('base64url'), Buffer.from([0x30, 6, 2, 1, 0, 2, 1, 0]).toString('base64url'), Buffer.alloc(64, 255).toString('base64url'), bytes.subarray(0, 63).toString('base64url'), Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'), bytes.reverse().toString('base64url'), `${signature}=`, `${signature}==`, `${signature}.`, `.${signature}`, signature.slice(0, -1), `${signature}A`, signature.replaceAll('-', '+').replaceAll('_', '/'), bytes.toString('hex')]
  for (const other of signatures) if (other !== signature) moves.push([`signature ${other.slice(0, 12)}…`, `${head}.${body}.${other}`])
  moves.push(['encrypted', `${part({ alg: 'dir', enc: 'A128GCM' })}..${part('iv')}.${part('text')}.${part('tag')}`], ['as JSON', JSON.stringify({ protected: head, payload: body, signature })], ['twice', `${good}.${good}`], ['parts turned', `${body}.${head}.${signature}`], ['padded', `${head}=.${body}=.${signature}`], ['empty parts', '..'], ['two parts', `${head}.${body}`])
  return moves.filter(([, token]) => token !== good)
}

/** Paths that lead to `goal` for somebody: each way up, in each way of writing it, from each place, to each depth. */
export function traversals(goal: string): readonly string[] {
  const dots = ['..', '%2e%2e', '%2E%2E', '.%2e', '%2e.', '%252e%252e', '%c0%ae%c0%ae', '%u002e%u002e', '%25c0%25ae%25c0%25ae', '...', '..;', '..%00', '..%20', '.%00.', '%2e%2e;x=1', '..%0d', '..?', '..#', '%ff%2e%ff%2e', '%e0%80%ae%e0%80%ae', '\u2025', '\u3002\u3002']
  const slashes = ['/', '\\', '%2f', '%2F', '%5c', '%255c', '%252f', '//', '/./', '%c0%af', '%c1%9c', '%e0%80%af', '%u2215', '%u2216', '/;/', '\\/', '%5c/', '/%2f', '///', '%00/', '/.//', '%uEFC8']
  const starts = ['/users/', '/users/42/', '/public/', '/', '//', '/users', '/users%2f', '/users;/']
  const paths = new Set<string>()
  for (const start of starts) for (const dot of dots) for (const slash of slashes) for (const depth of [1, 2, 3]) paths.add(`${start}${`${dot}${slash}`.repeat(depth)}${goal}`)
  for (const slash of slashes) for (const end of ['', '/', '%20', '%00', '%09', '.', ';', ';x', '#', '?', '%3f', '%23', '.json', '%2e', '//', '/.', '/..', '%0a']) for (const name of [goal, goal.toUpperCase(), `%${goal.charCodeAt(0).toString(16)}${goal.slice(1)}`]) paths.add(`${slash}${name}${end}`)
  return [...paths].filter((path) => !/[\u0080-\uffff]/.test(path) && !path.includes(' '))
}
