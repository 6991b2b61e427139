/** A source of numbers in [0, 1), so that a test or a simulation can bring a seeded one. */
export type Random = () => number

export const systemRandom: Random = Math.random

/** A reproducible generator (mulberry32): the same 32-bit seed gives the same numbers on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
