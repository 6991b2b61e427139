import { exponential } from '../engine/distributions.js'
import type { Disturbance } from '../engine/scenario.js'

/** Each of the servers stands still for `pauseMs` now and then, about every `everyMs`, as in a garbage collection. */
export function pauses(first: number, last: number, pauseMs: number, everyMs: number): Disturbance {
  return ({ agenda, servers }, random) => {
    const gap = exponential(everyMs)
    for (const server of servers.slice(first, last)) {
      const next = (): void => {
        agenda.runAt(agenda.nowMs + gap(random), () => {
          server.pause(pauseMs)
          agenda.runAt(agenda.nowMs + pauseMs, next)
        })
      }
      next()
    }
  }
}

/** One server answers nothing for a while, and still stands in the list. */
export function stall(server: number, fromMs: number, forMs: number): Disturbance {
  return ({ agenda, servers }) => void agenda.runAt(fromMs, () => servers[server]!.pause(forMs))
}
