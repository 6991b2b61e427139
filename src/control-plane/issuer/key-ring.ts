import type { KeyObject } from 'node:crypto'

/** A key of the issuer. It signs until its successor does. */
export interface RingKey {
  readonly privateKey: KeyObject
  /** From when on it signs, in milliseconds since the epoch. */
  readonly signsAt: number
}

/** The keys that are published, in the order in which they sign. */
export type KeyRing = readonly RingKey[]

export interface KeyRingTimes {
  /** For how long a key signs. */
  readonly rotationMs: number
  /** For how long a key is published before it signs: by then every verifier has fetched it. */
  readonly leadMs: number
  /** For how long a key is published after it has signed for the last time. */
  readonly outliveMs: number
}

/** Ten minutes are what verifiers keep a key set for, and a token lives five, to which they add a leeway of one at most. */
export const keyRingDefaults: KeyRingTimes = Object.freeze({ rotationMs: 86_400_000, leadMs: 600_000, outliveMs: 360_000 })

/** The key that signs at this moment. */
export function signingKey(ring: KeyRing, now: number): RingKey {
  // A clock that was set back leaves the oldest.
  return ring.findLast(({ signsAt }) => signsAt <= now) ?? ring[0]!
}

/**
 * The ring as it has to be at this moment: without keys whose last token has expired, and with the next one when it is to
 * be published. The very same ring when nothing is due.
 */
export function turned(ring: KeyRing, now: number, times: KeyRingTimes, makeKey: () => KeyObject): KeyRing {
  const kept = ring.filter((_, i) => i === ring.length - 1 || ring[i + 1]!.signsAt + times.outliveMs > now)
  const newest = ring.at(-1)
  if (newest === undefined) return [{ privateKey: makeKey(), signsAt: now }]
  const dueAt = newest.signsAt + times.rotationMs
  if (dueAt - times.leadMs <= now) return [...kept, { privateKey: makeKey(), signsAt: Math.max(dueAt, now + times.leadMs) }]
  return kept.length === ring.length ? ring : kept
}

/** The ring with a next key ahead of its time; the very same one when a next key waits already. */
export function hastened(ring: KeyRing, now: number, { leadMs }: KeyRingTimes, makeKey: () => KeyObject): KeyRing {
  return ring.at(-1)!.signsAt > now ? ring : [...ring, { privateKey: makeKey(), signsAt: now + leadMs }]
}

/**
 * The ring of an issuer that was away: nobody can have fetched from it meanwhile, so that the newest key waits once more,
 * while its predecessor is there to sign.
 */
export function resumed(ring: KeyRing, now: number, { leadMs }: KeyRingTimes): KeyRing {
  const newest = ring.at(-1)
  if (ring.length < 2 || newest === undefined) return ring
  return [...ring.slice(0, -1), { ...newest, signsAt: Math.max(newest.signsAt, now + leadMs) }]
}
