import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'
import { MeshError } from '../base/errors.js'
import type { Reader } from '../base/validate.js'
import type { JsonWebKey } from './json-web-key.js'

/** A P-256 private key as PEM text (PKCS #8 or SEC 1). An error never repeats what was given. */
export const signingKey: Reader<KeyObject> = (value, path) => {
  const key = privateKeyOf(value)
  if (key?.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key
  throw new MeshError('MESH_ERR_OPTION', `${path}: expected a P-256 private key as PEM text, got ${key === undefined ? 'something else' : 'another kind of key'}`)
}

function privateKeyOf(value: unknown): KeyObject | undefined {
  if (typeof value !== 'string') return undefined
  try {
    return createPrivateKey(value)
  } catch {
    return undefined
  }
}

/** The public half of a P-256 key, with its RFC 7638 thumbprint as `kid`: no two keys ever share one. */
export function publicJwkOf(privateKey: KeyObject): JsonWebKey & { readonly kid: string } {
  const { crv, kty, x, y } = createPublicKey(privateKey).export({ format: 'jwk' }) as JsonWebKey
  const kid = hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url')
  return { kty: kty!, crv: crv!, x: x!, y: y!, kid, alg: 'ES256', use: 'sig' }
}
