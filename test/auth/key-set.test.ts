import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readKeySet } from '../../src/auth/key-set.js'
import type { JsonWebKey } from '../../src/auth/json-web-key.js'
import { verifySignature } from '../../src/auth/verifier.js'
import { readTokenHeader } from '../../src/auth/token-gate.js'
import { RawSigner } from '../support/raw-token.js'
import { describeVectors, readVectors } from '../support/vectors.js'

const [ec] = new RawSigner('ec').jwks.keys as [JsonWebKey]
const rsa = { ...publicJwk('rsa', { modulusLength: 2048 }), kid: 'rsa' }
const ed = { ...publicJwk('ed25519'), kid: 'ed' }

function publicJwk(type: 'rsa' | 'ed25519', options: object = {}): JsonWebKey {
  const { publicKey } = generateKeyPairSync(type as 'rsa', options as { modulusLength: number })
  return publicKey.export({ format: 'jwk' })
}

const refused = (reason: string): object => ({ code: 'MESH_ERR_KEYS', message: expect.stringContaining(reason) as string })

describe('key set', () => {
  it('takes EC, OKP and RSA keys, each for one algorithm', async () => {
    const set = await readKeySet({ keys: [ec, ed, rsa, { ...rsa, kid: 'pss', alg: 'PS256', use: 'sig', key_ops: ['verify'] }] })
    expect([...set.values()].map(({ kid, algorithms }) => [kid, algorithms])).toEqual([
      ['ec', ['ES256']],
      ['ed', ['EdDSA', 'Ed25519']],
      ['rsa', ['RS256']],
      ['pss', ['PS256']],
    ])
  })

  it('passes over keys for something else and of kinds it does not know', async () => {
    const others = [
      { ...rsa, use: 'enc', alg: 'RSA-OAEP' },
      { ...ec, key_ops: ['deriveKey'] },
      { kty: 'AKP', kid: 'pq' },
      { kty: 'OKP', crv: 'X25519', x: 'AA' },
    ]
    expect([...(await readKeySet({ keys: [...others, ec] })).keys()]).toEqual(['ec'])
  })

  it('takes an empty list at its word', async () => {
    expect((await readKeySet({ keys: [] })).size).toBe(0)
  })

  it('keeps a known key the same object, and refuses another one under its id', async () => {
    const before = await readKeySet({ keys: [ec] })
    const after = await readKeySet({ keys: [{ ...ec }, ed] }, before)
    expect(after.get('ec')).toBe(before.get('ec'))
    await expect(readKeySet(new RawSigner('ec').jwks, before)).rejects.toMatchObject(refused('another key than before'))
  })

  it.each<[string, unknown, string]>([
    ['is no object', null, "'keys' is not a list"],
    ['has no list', { keys: {} }, "'keys' is not a list"],
    ['is endless', { keys: Array.from({ length: 101 }, () => ec) }, "'keys' is not a list"],
    ['holds null', { keys: [ec, null] }, 'not an object'],
    ['has one kid twice', { keys: [ec, { ...ed, kid: 'ec' }] }, 'share one kid'],
    ['has a key without kid', { keys: [{ ...ec, kid: undefined }] }, 'no kid'],
    ['has a key whose kid is a list', { keys: [{ ...ec, kid: ['ec'] }] }, 'no kid'],
    ['publishes a private key', { keys: [{ ...ec, d: 'AQAB' }] }, 'private or symmetric'],
    ['publishes a secret', { keys: [{ kty: 'oct', kid: 'x', k: 'AQAB' }] }, 'private or symmetric'],
    ['has a short RSA key', { keys: [{ ...publicJwk('rsa', { modulusLength: 1024 }), kid: 'x' }] }, '2048 bits'],
    ['has an exponent of one', { keys: [{ ...rsa, e: 'AQ' }] }, 'exponent'],
    ['has an exponent of three', { keys: [{ ...rsa, e: 'Aw' }] }, 'exponent'],
    ['has an even exponent', { keys: [{ ...rsa, e: 'AQAC' }] }, 'exponent'],
    ['has an RSA key without numbers', { keys: [{ kty: 'RSA', kid: 'x' }] }, 'lacks its numbers'],
    ['has a point off the curve', { keys: [{ ...ec, y: ec.x }] }, 'cannot be imported'],
    ['has an alg of another curve', { keys: [{ ...ec, alg: 'ES384' }] }, 'contradicts its curve'],
    ['has an RSA key for HMAC', { keys: [{ ...rsa, alg: 'HS256' }] }, 'not allowed'],
    ['has keys, and none to verify with', { keys: [{ ...ec, use: 'enc' }] }, 'no key is fit'],
  ])('K04 is refused when it %s', async (_, jwks, reason) => {
    await expect(readKeySet(jwks)).rejects.toMatchObject(refused(reason))
  })

  it.each(['__proto__', 'constructor', '../../etc/passwd', "' OR 1=1 --", '|sleep 5'])('J07 a kid is nothing but a name: %s', async (kid) => {
    const set = await readKeySet({ keys: [ec] })
    expect(set.get(kid)).toBeUndefined()
    expect((await readKeySet({ keys: [{ ...ec, kid }] })).get(kid)).toMatchObject({ kid })
  })
})

interface VectorFile<Test> {
  readonly testGroups: readonly { readonly public?: unknown; readonly private?: unknown; readonly tests: readonly Test[] }[]
}

interface JwsTest {
  readonly tcId: number
  readonly jws: unknown
  readonly result: 'valid' | 'invalid'
}

describeVectors('Wycheproof', () => {
  it('J02 every bad key set is refused at intake', async () => {
    const { testGroups } = JSON.parse(readVectors('wycheproof/json_web_key_test.json')) as VectorFile<JwsTest>
    let refusedSets = 0
    for (const group of testGroups) {
      for (const { tcId, jws, result } of group.tests) {
        const jwks = group.public ?? group.private
        // One test spoils the signature and not the set, whose keys are symmetric in any case.
        if (result === 'valid') continue
        await expect(accepted(jwks, jws), `tcId ${tcId}`).resolves.toBe(false)
        await expect(readKeySet(jwks), `tcId ${tcId}`).rejects.toMatchObject({ code: 'MESH_ERR_KEYS' })
        refusedSets++
      }
    }
    expect(refusedSets).toBe(21)
  })

  it('J01 every bad signature is refused, and every good asymmetric one accepted', async () => {
    const { testGroups } = JSON.parse(readVectors('wycheproof/json_web_signature_test.json')) as VectorFile<JwsTest>
    // Their key names another algorithm than the token does.
    const wrongMetadata = [346, 347, 350, 351]
    const verdicts = { refused: 0, accepted: 0, symmetric: 0 }
    for (const group of testGroups) {
      for (const { tcId, jws, result } of group.tests) {
        const good = result === 'valid' && group.public !== undefined && !wrongMetadata.includes(tcId)
        expect(await accepted({ keys: [group.public ?? group.private] }, jws), `tcId ${tcId}`).toBe(good)
        if (good) verdicts.accepted++
        else if (result === 'invalid') verdicts.refused++
        else if (group.public === undefined) verdicts.symmetric++
      }
    }
    expect(verdicts.refused).toBe(355)
    expect(verdicts.accepted).toBeGreaterThan(0)
    expect(verdicts.accepted + verdicts.symmetric + wrongMetadata.length).toBe(401 - 355)
  })
})

async function accepted(jwks: unknown, jws: unknown): Promise<boolean> {
  try {
    const header = readTokenHeader(typeof jws === 'string' ? jws : JSON.stringify(jws))
    const key = (await readKeySet(jwks)).get(header.kid)
    if (key === undefined) return false
    await verifySignature(jws as string, header, key)
    return true
  } catch {
    return false
  }
}
