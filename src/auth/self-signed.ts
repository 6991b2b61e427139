import type { KeyObject } from 'node:crypto'
import { fields, httpUrl, required, wholeNumber } from '../base/validate.js'
import { renewedTokens } from './renewed-tokens.js'
import { signerWith } from './signer.js'
import { signingKey } from './signing-key.js'
import type { TokenProvider } from './token-source.js'

export interface SelfSignedOptions {
  /** This service's own P-256 private key, as PEM text. */
  readonly key: string
  /** URL under which this service publishes `mesh.jwks()`; it stands in its tokens as `iss`. */
  readonly issuer: string
  /** How long a token is good for, 10 000 to 3 600 000. Default 300 000 ms. */
  readonly lifetimeMs?: number | undefined
}

const LIFETIME_MS = 300_000
const readOptions = fields<{ key: KeyObject; issuer: string; lifetimeMs: number }>({
  key: signingKey,
  issuer: httpUrl,
  lifetimeMs: wholeNumber(10_000, 3_600_000),
})

/**
 * Tokens that this service signs with a key of its own, each for one called service; `mesh.jwks()` is what verifiers need.
 * Nobody but this service can end it: a key that got out speaks for it until the key is published no more. Throws `MESH_ERR_OPTION`.
 */
export function selfSigned(options: SelfSignedOptions): TokenProvider {
  const given = readOptions(options, 'selfSigned')
  const key = required(given.key, 'selfSigned.key', 'a P-256 private key as PEM text')
  const issuer = required(given.issuer, 'selfSigned.issuer', 'the URL under which mesh.jwks() is published')
  const lifetimeMs = given.lifetimeMs ?? LIFETIME_MS
  return {
    open({ service, clock, random, prover, renewed }) {
      const signer = signerWith(key, clock)
      const binding = prover === undefined ? {} : { cnf: { jkt: prover.thumbprint } }
      const mint = async (aud: string) => ({ token: await signer.sign({ iss: issuer, sub: service, aud, ...binding, lifetimeMs }), lifetimeMs })
      return { ...renewedTokens({ mint, clock, random, renewed }), jwks: signer.jwks, prover }
    },
  }
}
