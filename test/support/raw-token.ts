import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { JsonWebKey } from '../../src/auth/json-web-key.js'

const ES256 = { namedCurve: 'P-256' }

/** Signs whatever it is given, well-formed or not: what an issuer never would, and a verifier must not take. */
export class RawSigner {
  readonly kid: string
  readonly #privateKey: KeyObject
  readonly publicKey: KeyObject

  constructor(kid = 'raw-key') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', ES256)
    this.kid = kid
    this.#privateKey = privateKey
    this.publicKey = publicKey
  }

  get jwks(): { keys: JsonWebKey[] } {
    return { keys: [{ ...(this.publicKey.export({ format: 'jwk' }) as JsonWebKey), kid: this.kid, alg: 'ES256', use: 'sig' }] }
  }

  /** A token of these parts; objects are written as JSON, strings and bytes as they are. */
  token(payload: object | string | Uint8Array, header: object | string = {}): string {
    const head = typeof header === 'string' ? header : { alg: 'ES256', kid: this.kid, typ: 'at+jwt', ...header }
    const input = `${part(head)}.${part(payload)}`
    return `${input}.${sign('sha256', Buffer.from(input), { key: this.#privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
}

export function part(value: object | string | Uint8Array): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64url')
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}
