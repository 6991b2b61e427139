import { generateKeyPairSync, hash, randomUUID, sign } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import { publicJwkOf } from './signing-key.js'

/** `typ` of a proof, and the header field that it goes in (RFC 9449 §4.1 and §4.2). */
export const PROOF_TYPE = 'dpop+jwt'
export const PROOF_HEADER = 'dpop'
export const PROOF_ALGORITHM = 'ES256'

/** What is to be proved: for which request, and with which token. */
export interface Proved {
  readonly method: string
  /** URL of the request; its query is left out. */
  readonly url: string
  /** The token that it goes with; undefined where one is only asked for. */
  readonly token?: string | undefined
}

/** Shows that whoever sends a token is who it was given to: holds a key that never leaves the process. */
export interface Prover {
  /** RFC 7638 thumbprint of the key, for the `cnf` of tokens (RFC 9449 §6.1). */
  readonly thumbprint: string
  /** A proof for one request, good once and for seconds. */
  prove(proved: Proved): string
}

/**
 * A prover with a fresh key. It signs at once and without the thread pool: a signature takes less than a tenth of a millisecond, and
 * to wait for the pool no less.
 */
export function createProver(clock: Clock): Prover {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kid: thumbprint, kty, crv, x, y } = publicJwkOf(privateKey)
  const header = encoded({ typ: PROOF_TYPE, alg: PROOF_ALGORITHM, jwk: { kty, crv, x, y } })
  return {
    thumbprint,
    prove({ method, url, token }) {
      const claims = { jti: randomUUID(), htm: method, htu: withoutQuery(url), iat: Math.floor(clock.epochMs() / 1000) }
      const input = `${header}.${encoded(token === undefined ? claims : { ...claims, ath: tokenHash(token) })}`
      return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
    },
  }
}

/** `ath`: by which a proof goes with one token and no other (RFC 9449 §4.2). */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'base64url')
}

function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0]!
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
