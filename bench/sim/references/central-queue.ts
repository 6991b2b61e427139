import { HOLD, type CreatePolicy } from '../engine/policy.js'
import type { Server } from '../engine/server.js'

/**
 * One queue for all clients: a request waits there until a server has a free core, and the fastest free one takes it.
 * No client-side rule can have it. It is no strict bound: with unequal speeds, waiting for a fast one can be better.
 */
export const centralQueue: CreatePolicy = ({ servers }) => {
  let listed: readonly number[] = []
  const isWell = ({ index, down, failingRatio, pauseLeftMs }: Server): boolean =>
    listed.includes(index) && !down && failingRatio === 0 && pauseLeftMs === 0
  const hasRoom = (server: Server): boolean => server.assigned + 1 <= server.cores && isWell(server)
  return {
    update: (now) => void (listed = now),
    pick() {
      let fastest = HOLD
      let spare = 0
      for (const index of listed) {
        const server = servers[index]!
        if (!hasRoom(server)) continue
        const itsSpare = server.speed * 1e6 + server.cores - server.assigned
        if (itsSpare <= spare) continue
        fastest = index
        spare = itsSpare
      }
      return fastest
    },
    done: () => {},
    hasRoom,
  }
}
