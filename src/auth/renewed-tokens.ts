import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import { Refresh } from './refresh.js'
import type { TokenSource } from './token-source.js'

/** A token that was just made, and for how long it is good. */
export interface FreshToken {
  readonly token: string
  readonly lifetimeMs: number
}

export interface RenewedTokensOptions {
  /** Makes a token for one audience. */
  readonly mint: (audience: string) => Promise<FreshToken>
  readonly clock: Clock
  readonly random: Random
  /** Told of each token that was made. */
  readonly renewed?: ((audience: string) => void) | undefined
}

interface HeldToken {
  readonly token: string
  readonly madeAt: number
  /** From here on a new one is made while this one serves. */
  readonly renewAt: number
  /** From here on this one serves no more. */
  readonly staleAt: number
}

/** A token counts as expired this long before it is, so that it does not expire on its way (gRPC A97). */
const EARLY_MS = 30_000
/** And is renewed this long before that. */
const AHEAD_MS = 60_000

/** A token younger than this stays, though it was refused: whoever refuses that one would refuse the next one, too. */
const FRESH_MS = 30_000

/** How long before its end a token that lives so long counts as expired: a short-lived one must serve for most of its life too. */
export function earlyMs(lifetimeMs: number): number {
  return Math.min(EARLY_MS, lifetimeMs / 4)
}

/**
 * Keeps one token for each audience. Each is made when first asked for, and renewed ahead of its expiry by the calls that
 * use it: one errand for everybody who waits, a backoff after a failure, and nothing while idle.
 */
export function renewedTokens({ mint, clock, random, renewed }: RenewedTokensOptions): TokenSource {
  const held = new Map<string, HeldToken>()
  const refreshes = new Map<string, Refresh<string>>()

  const renew = async (audience: string): Promise<string> => {
    // Taken before the errand: a slow answer must not make the token look younger than it is.
    const askedAt = clock.now()
    const { token, lifetimeMs } = await mint(audience)
    const staleAt = askedAt + lifetimeMs - earlyMs(lifetimeMs)
    held.set(audience, { token, madeAt: askedAt, staleAt, renewAt: staleAt - Math.min(AHEAD_MS, lifetimeMs / 4) })
    renewed?.(audience)
    return token
  }

  const refreshOf = (audience: string): Refresh<string> => {
    const known = refreshes.get(audience)
    if (known !== undefined) return known
    const refresh = new Refresh(() => renew(audience), { clock, random })
    refreshes.set(audience, refresh)
    return refresh
  }

  return {
    token(audience) {
      const current = held.get(audience)
      const now = clock.now()
      if (current === undefined || now >= current.staleAt) return refreshOf(audience).run()
      if (now >= current.renewAt) refreshOf(audience).runInBackground()
      return current.token
    },
    refused(audience, token) {
      const current = held.get(audience)
      // An issuer that lost its keys gives others; the one at hand would be refused until its end.
      if (current?.token === token && clock.now() - current.madeAt >= FRESH_MS) held.delete(audience)
    },
  }
}
