import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { JsonWebKey } from '../../auth/json-web-key.js'
import { signerWith, type Signer } from '../../auth/signer.js'
import type { Clock } from '../../base/clock.js'
import { hastened, keyRingDefaults, resumed, signingKey, turned, type KeyRing, type KeyRingTimes } from './key-ring.js'

export interface IssuerKeysOptions {
  /** What an earlier process has left; empty for none. */
  readonly ring: KeyRing
  /** Keeps the ring for the next process. A ring that cannot be kept is not used. */
  readonly save: (ring: KeyRing) => void
  /** Told when a ring that was due could not be kept: the last one signs on. */
  readonly tell: (error: Error) => void
  readonly clock: Clock
  readonly rotationMs: number
}

/** A key that is published and does not sign yet. */
export interface KeyRotation {
  /** RFC 7638 thumbprint. */
  readonly kid: string
  /** When it will sign, in milliseconds since the epoch. */
  readonly signsAt: number
}

const RETRY_MS = 60_000

/**
 * The keys that tokens are signed with. They are looked after whenever one is asked for, and so need no timer: nobody misses
 * the rotation of an issuer that nobody asks.
 */
export class IssuerKeys {
  readonly #options: IssuerKeysOptions
  readonly #times: KeyRingTimes
  readonly #signers = new WeakMap<KeyObject, Signer>()
  #ring: KeyRing
  #retryAt = -Infinity

  /** Throws when the first ring cannot be kept. */
  constructor(options: IssuerKeysOptions) {
    this.#options = options
    this.#times = { ...keyRingDefaults, rotationMs: options.rotationMs }
    const now = options.clock.epochMs()
    this.#ring = options.ring
    this.#take(turned(resumed(options.ring, now, this.#times), now, this.#times, makeKey))
  }

  /** What to sign with now. */
  get signer(): Signer {
    return this.#signerOf(signingKey(this.#current(), this.#options.clock.epochMs()).privateKey)
  }

  /** What to verify with now, and what will be needed soon. */
  get jwks(): { readonly keys: readonly JsonWebKey[] } {
    return { keys: this.#current().flatMap(({ privateKey }) => this.#signerOf(privateKey).jwks.keys) }
  }

  /** Publishes the next key now instead of on schedule; while one waits, it is that one. Throws when it cannot be kept. */
  rotate(): KeyRotation {
    this.#take(hastened(this.#current(), this.#options.clock.epochMs(), this.#times, makeKey))
    const { privateKey, signsAt } = this.#ring.at(-1)!
    return { kid: this.#signerOf(privateKey).jwks.keys[0]!.kid!, signsAt }
  }

  #current(): KeyRing {
    const now = this.#options.clock.epochMs()
    if (now < this.#retryAt) return this.#ring
    try {
      this.#take(turned(this.#ring, now, this.#times, makeKey))
    } catch (error) {
      this.#retryAt = now + RETRY_MS
      this.#tell(error as Error)
    }
    return this.#ring
  }

  #tell(error: Error): void {
    try {
      this.#options.tell(error)
    } catch {
      // A listener that throws must cost nobody a token.
    }
  }

  /** First kept, then used: a key that signs must not be lost. */
  #take(ring: KeyRing): void {
    if (ring === this.#ring) return
    this.#options.save(ring)
    this.#ring = ring
  }

  #signerOf(privateKey: KeyObject): Signer {
    let signer = this.#signers.get(privateKey)
    if (signer === undefined) {
      signer = signerWith(privateKey, this.#options.clock)
      this.#signers.set(privateKey, signer)
    }
    return signer
  }
}

function makeKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
}
