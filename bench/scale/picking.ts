import { createBalancerLab, seededRandom } from 'sidecarless/testing'
import { systemClock } from '../../src/base/clock.js'
import { spreadOf, type Spread } from './statistics.js'

export const ALGORITHMS = ['adaptive', 'least-loaded', 'round-robin', 'random', 'weighted', 'ring-hash'] as const

/** What one pick costs. */
export interface Picking {
  readonly algorithm: (typeof ALGORITHMS)[number]
  readonly count: number
  readonly nanos: Spread
  readonly bytes: Spread
}

const UNDER_WAY = 16

export function measurePicking(algorithm: Picking['algorithm'], count: number, rounds: number): Picking {
  const random = seededRandom(1)
  let aheadMs = 0
  const clock = { ...systemClock, now: () => performance.now() + aheadMs }
  const lab = createBalancerLab({ algorithm, clock, random })
  lab.setEndpoints(Array.from({ length: count }, (_, i) => ({ id: `users-${i}` })))
  // Each has answered, and no two alike; some have yet to answer.
  for (let round = 0; round < 2; round++) {
    const flights = Array.from({ length: count }, () => lab.begin(lab.pick()!))
    for (const flight of flights) {
      aheadMs += (100 * random()) / count
      lab.end(flight)
    }
  }
  for (let i = 0; i < UNDER_WAY; i++) lab.begin(lab.pick()!)

  const picks = Math.max(500, Math.min(50_000, Math.floor(5_000_000 / count)))
  const nanos: number[] = []
  const bytes: number[] = []
  // The first rounds are for the compiler.
  for (let round = -10; round < rounds; round++) {
    const heapBefore = process.memoryUsage().heapUsed
    const begunAt = performance.now()
    for (let i = 0; i < picks; i++) lab.pick()
    const ms = performance.now() - begunAt
    const grown = process.memoryUsage().heapUsed - heapBefore
    if (round < 0) continue
    nanos.push((ms * 1e6) / picks)
    // A collection in between hides what was left.
    if (grown >= 0) bytes.push(grown / picks)
  }
  return { algorithm, count, nanos: spreadOf(nanos), bytes: spreadOf(bytes) }
}
