import type { Disturbance } from '../engine/scenario.js'

/** From a time on, one server fails a share of its requests at once, without doing any work. */
export function failing(server: number, ratio: number, fromMs: number): Disturbance {
  return ({ agenda, servers }) => void agenda.runAt(fromMs, () => (servers[server]!.failingRatio = ratio))
}
