import type { Random } from '../../../src/base/random.js'

/** Draws a number, such as the work of one request. */
export type Draw = (random: Random) => number

export function exponential(mean: number): Draw {
  return (random) => -mean * Math.log(1 - random())
}

export function uniform(low: number, high: number): Draw {
  return (random) => low + (high - low) * random()
}

export function constant(value: number): Draw {
  return () => value
}

/** One of several, by their shares, which make 1. */
export function mixture(...parts: readonly (readonly [share: number, draw: Draw])[]): Draw {
  return (random) => {
    let lot = random()
    for (const [share, draw] of parts) {
      lot -= share
      if (lot < 0) return draw(random)
    }
    return parts[0]![1](random)
  }
}

/** Many small, few large: the logarithm is normal, `sigma` its deviation. */
export function logNormal(mean: number, sigma: number): Draw {
  const mu = Math.log(mean) - (sigma * sigma) / 2
  return (random) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.exp(mu + sigma * normal)
  }
}
