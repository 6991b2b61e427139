import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { signerWith, type Signer } from '../../src/auth/signer.js'
import type { Clock } from '../../src/base/clock.js'

/** A signer with a fresh ES256 key. */
export async function createSigner({ clock }: { readonly clock: Clock }): Promise<Signer> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  return signerWith(privateKey, clock)
}
