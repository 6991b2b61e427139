import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hastened, keyRingDefaults, resumed, signingKey, turned, type KeyRing, type KeyRingTimes } from '../../../src/control-plane/issuer/key-ring.js'

const times: KeyRingTimes = { ...keyRingDefaults, rotationMs: 3_600_000 }
const MINUTE = 60_000
/** What a token lives, and the leeway that a verifier adds at most. */
const TOKEN_MS = 5 * MINUTE
const LEEWAY_MS = MINUTE

/** As good as keys, for a ring that never looks into them. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const makeKey = (): KeyObject => Object.create(privateKey) as KeyObject

const at = (ring: KeyRing): number[] => ring.map(({ signsAt }) => signsAt / MINUTE)

describe('the ring of keys', () => {
  it('begins with a key that signs at once', () => {
    const ring = turned([], 0, times, makeKey)
    expect(at(ring)).toEqual([0])
    expect(turned(ring, 49 * MINUTE, times, makeKey)).toBe(ring)
  })

  it('publishes the next key ten minutes before it signs, and its predecessor until its last token has ended', () => {
    const first = turned([], 0, times, makeKey)
    const both = turned(first, 50 * MINUTE, times, makeKey)
    expect(at(both)).toEqual([0, 60])
    expect(signingKey(both, 60 * MINUTE - 1)).toBe(first[0])
    expect(signingKey(both, 60 * MINUTE)).toBe(both[1])
    expect(turned(both, 66 * MINUTE - 1, times, makeKey)).toBe(both)
    expect(turned(both, 66 * MINUTE, times, makeKey)).toEqual([both[1]])
  })

  it('lets a key that is overdue sign on for as long as the next one has to be published', () => {
    const ring = turned(turned([], 0, times, makeKey), 500 * MINUTE, times, makeKey)
    expect(at(ring)).toEqual([0, 510])
  })

  it('takes the next key on demand, and no further one while that waits', () => {
    const ring = hastened(turned([], 0, times, makeKey), MINUTE, times, makeKey)
    expect(at(ring)).toEqual([0, 11])
    expect(hastened(ring, 2 * MINUTE, times, makeKey)).toBe(ring)
  })

  it('gives its oldest key when the clock was set back', () => {
    const ring = turned([], 100 * MINUTE, times, makeKey)
    expect(signingKey(ring, 0)).toBe(ring[0])
  })

  it('K05 whatever happens, no token is without its key and no key signs before everybody has had the time to fetch it', () => {
    const step = fc.record({ waitMs: fc.integer({ min: 0, max: 90 * MINUTE }), event: fc.constantFrom('ask', 'ask', 'rotate', 'restart') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0
        let ring = turned([], now, times, makeKey)
        let upSince = 0
        const published = new Map(ring.map(({ privateKey }) => [privateKey, -Infinity]))
        const tokens: { key: KeyObject; endsAt: number }[] = []
        for (const { waitMs, event } of steps) {
          now += waitMs
          if (event === 'restart') {
            ring = resumed(ring, now, times)
            upSince = now
          }
          ring = turned(ring, now, times, makeKey)
          if (event === 'rotate') ring = hastened(ring, now, times, makeKey)
          for (const { privateKey } of ring) if (!published.has(privateKey)) published.set(privateKey, now)

          const key = signingKey(ring, now).privateKey
          // Alone it has to sign, however long nobody could ask for it.
          const fetchableSince = Math.max(published.get(key)!, ring.length > 1 && ring.at(-1)!.privateKey === key ? upSince : -Infinity)
          expect(now - fetchableSince).toBeGreaterThanOrEqual(times.leadMs)
          tokens.push({ key, endsAt: now + TOKEN_MS + LEEWAY_MS })
          for (const token of tokens) if (token.endsAt > now) expect(ring.some(({ privateKey }) => privateKey === token.key)).toBe(true)
          expect(ring.length).toBeLessThanOrEqual(3)
          expect([...at(ring)].sort((a, b) => a - b)).toEqual(at(ring))
        }
      }),
      { numRuns: 500, seed: 6 },
    )
  })
})
