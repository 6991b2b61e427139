import { hash } from 'node:crypto'
import type { Peer } from '../call/inbound.js'
import type { VerificationKey } from './key-set.js'
import type { Keys } from './keys.js'

/** A token that was found good, and for how long that may be believed. */
export interface VerifiedToken {
  readonly peer: Peer
  readonly key: VerificationKey
  /** Where that key was found, and has to be found again. */
  readonly keys: Keys
  /** `exp` of the token, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A service has far fewer callers, and claims of a usual size come to two or three MiB. */
const CAPACITY = 2_000

/**
 * Remembers good tokens, since a verification costs a hundred times what a look-up does. Keyed by a hash of the whole
 * token, signature and all: no token stays in memory, and none that differs in a letter is found. The one unused
 * longest makes room.
 */
export class TokenMemory {
  readonly #tokens = new Map<string, VerifiedToken>()

  get size(): number {
    return this.#tokens.size
  }

  static idOf(token: string): string {
    return hash('sha256', token, 'base64')
  }

  find(id: string): VerifiedToken | undefined {
    const found = this.#tokens.get(id)
    if (found !== undefined) {
      // A Map keeps the order of insertion: the oldest stands first.
      this.#tokens.delete(id)
      this.#tokens.set(id, found)
    }
    return found
  }

  keep(id: string, verified: VerifiedToken): void {
    this.#tokens.set(id, verified)
    if (this.#tokens.size > CAPACITY) this.#tokens.delete(this.#tokens.keys().next().value!)
  }

  forget(id: string): void {
    this.#tokens.delete(id)
  }
}
