import { calculateJwkThumbprint, importJWK } from 'jose'
import type { CryptoKey } from 'jose'
import { MeshError } from '../base/errors.js'
import { rsaWeakness } from './rsa-strength.js'
import type { JsonWebKey } from './json-web-key.js'

/** A public key that has passed every check, and the one algorithm that it is for. */
export interface VerificationKey {
  readonly kid: string
  /** Names of the algorithm: `EdDSA` has two since RFC 9864. */
  readonly algorithms: readonly string[]
  readonly key: CryptoKey
  readonly thumbprint: string
}

export type KeySet = ReadonlyMap<string, VerificationKey>

const MAX_KEYS = 100
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
const MATERIAL_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e']
const EDDSA = ['EdDSA', 'Ed25519']
const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const CURVE_ALGORITHMS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['P-256', ['ES256']],
  ['P-384', ['ES384']],
  ['P-521', ['ES512']],
  ['Ed25519', EDDSA],
])

/**
 * Reads a JWK set (RFC 7517 §5). Keys that are for something else, or of a kind that is not known, are passed over; a
 * key that is dangerous or contradicts itself spoils the whole set, since whoever publishes it has lost control of it.
 * An empty list is taken at its word: all keys are withdrawn. A key that `known` holds unchanged stays the same object,
 * and another key under its id is refused. Throws `MESH_ERR_KEYS`.
 */
export async function readKeySet(jwks: unknown, known: KeySet = new Map()): Promise<KeySet> {
  const keys = (jwks as { keys?: unknown } | null | undefined)?.keys
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw keyError(`'keys' is not a list of at most ${MAX_KEYS}`)
  const set = new Map<string, VerificationKey>()
  for (const jwk of keys as unknown[]) {
    const key = await readKey(jwk)
    if (key === undefined) continue
    if (set.has(key.kid)) throw keyError('two keys share one kid')
    const before = known.get(key.kid)
    if (before !== undefined && before.thumbprint !== key.thumbprint) throw keyError('a kid stands for another key than before')
    set.set(key.kid, before ?? key)
  }
  if (set.size === 0 && keys.length > 0) throw keyError('no key is fit for verifying a token')
  return set
}

async function readKey(candidate: unknown): Promise<VerificationKey | undefined> {
  if (typeof candidate !== 'object' || candidate === null) throw keyError('a key is not an object')
  const jwk = candidate as JsonWebKey
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) throw keyError('a private or symmetric key is published')
  if (!isForVerifying(jwk)) return undefined
  const algorithms = algorithmsOf(jwk)
  if (algorithms === undefined) return undefined
  if (jwk.kty === 'RSA') checkRsa(jwk)
  if (typeof jwk.kid !== 'string' || jwk.kid === '') throw keyError('a key has no kid')
  try {
    const material = materialOf(jwk)
    const key = (await importJWK(material, algorithms[0])) as CryptoKey
    return { kid: jwk.kid, algorithms, key, thumbprint: await calculateJwkThumbprint(material) }
  } catch (cause) {
    throw keyError('a key cannot be imported: its members are malformed or its point is not on the curve', cause)
  }
}

/** Only what makes the key: `key_ops` or `ext` would have a say in how it is imported. */
function materialOf(jwk: JsonWebKey): JsonWebKey {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => MATERIAL_MEMBERS.includes(name)))
}

function isForVerifying({ use, key_ops: operations }: JsonWebKey): boolean {
  if (use !== undefined && use !== 'sig') return false
  return operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
}

/** One key, one algorithm (RFC 8725 §3.1); undefined for a kind of key that is not known here (RFC 7517 §5). */
function algorithmsOf({ kty, crv, alg }: JsonWebKey): readonly string[] | undefined {
  if (kty === 'RSA') {
    if (alg !== undefined && !RSA_ALGORITHMS.includes(alg)) throw keyError('an RSA key is for an algorithm that is not allowed')
    return [alg ?? 'RS256']
  }
  if (kty !== 'EC' && kty !== 'OKP') return undefined
  const algorithms = CURVE_ALGORITHMS.get(crv)
  if (algorithms !== undefined && alg !== undefined && !algorithms.includes(alg)) {
    throw keyError('the alg of a key contradicts its curve')
  }
  return algorithms
}

function checkRsa({ n, e }: JsonWebKey): void {
  if (typeof n !== 'string' || typeof e !== 'string') throw keyError('an RSA key lacks its numbers')
  const weakness = rsaWeakness(Buffer.from(n, 'base64url'), Buffer.from(e, 'base64url'))
  if (weakness !== undefined) throw keyError(weakness)
}

function keyError(reason: string, cause?: unknown): MeshError {
  return new MeshError('MESH_ERR_KEYS', `The key set is refused: ${reason}`, { cause })
}
