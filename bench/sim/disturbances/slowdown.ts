import type { Disturbance } from '../engine/scenario.js'

/** One server is slower by a factor for a while. */
export function slowdown(server: number, factor: number, fromMs: number, forMs: number): Disturbance {
  return ({ agenda, servers }) => {
    const slow = servers[server]!
    agenda.runAt(fromMs, () => (slow.speed /= factor))
    agenda.runAt(fromMs + forMs, () => (slow.speed *= factor))
  }
}
