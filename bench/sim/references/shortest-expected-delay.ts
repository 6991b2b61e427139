import { NONE, type CreatePolicy } from '../engine/policy.js'
import type { Server } from '../engine/server.js'

/**
 * The omniscient choice: each request goes where it is expected to be done first, by what really is in each server, also
 * on its way there, how fast the server is at this moment, and when its pause ends.
 */
export const shortestExpectedDelay: CreatePolicy = ({ servers }) => {
  let listed: readonly number[] = []
  // Mean works of all servers are the same, so the work of one core at speed 1 serves as the unit of time.
  const UNIT_MS = 10
  const expected = (server: Server): number => {
    const { cores, assigned, speed, discipline } = server
    if (server.down || server.failingRatio > 0) return Number.MAX_VALUE
    const crowded = assigned + 1 > cores
    const works = !crowded ? 1 : discipline === 'queue' ? 1 + (assigned + 1 - cores) / cores : (assigned + 1) / cores
    return (works / speed) * UNIT_MS + server.pauseLeftMs
  }
  return {
    update: (now) => void (listed = now),
    pick() {
      let best = NONE
      let least = Infinity
      for (const index of listed) {
        const server = servers[index]!
        // Among equals, the one with most to spare.
        const delay = expected(server) - 1e-6 * (server.cores - server.assigned)
        if (delay >= least) continue
        best = index
        least = delay
      }
      return best
    },
    done: () => {},
  }
}
