/** A source of numbers in [0, 1), so that a test or a simulation can bring a seeded one. */
export type Random = () => number

export const systemRandom: Random = Math.random

/** Added to the state before each number of mulberry32. */
const STEP = 0x6d2b79f5
const RANGE = 0x1_0000_0000

/** A reproducible generator (mulberry32): the same 32-bit seed gives the same numbers on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + STEP) >>> 0
    return mixed(state) / RANGE
  }
}

/**
 * Whole numbers by lot, of a sequence that one draw begins. A `Random` gives each number as an object on the heap, which is
 * too much for what is drawn many times a call.
 */
export class Lots {
  #state: number

  constructor(random: Random) {
    this.#state = Math.floor(random() * RANGE) | 0
  }

  /** 0 to `count` − 1, each with the same chance. */
  below(count: number): number {
    this.#state = (this.#state + STEP) | 0
    return Math.floor((mixed(this.#state) / RANGE) * count)
  }
}

function mixed(state: number): number {
  let bits = Math.imul(state ^ (state >>> 15), state | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return (bits ^ (bits >>> 14)) >>> 0
}
