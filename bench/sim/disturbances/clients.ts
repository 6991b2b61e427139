import { exponential } from '../engine/distributions.js'
import type { Disturbance } from '../engine/scenario.js'

/** The event loop of each client is blocked now and then: for that long it neither sends nor hears, and no timer of it fires. */
export function clientStalls(stallMs: number, everyMs: number): Disturbance {
  return ({ agenda, clocks }, random) => {
    const gap = exponential(everyMs)
    for (const clock of clocks) {
      const next = (): void => {
        agenda.runAt(agenda.nowMs + gap(random), () => {
          clock.stalledUntilMs = agenda.nowMs + stallMs
          next()
        })
      }
      next()
    }
  }
}

/** The clients' machine was suspended: at once its clocks are ahead, and the wall clock is set wrong as well. */
export function clockJump(atMs: number, monotonicMs: number, epochMs: number): Disturbance {
  return ({ agenda, clocks }) => {
    agenda.runAt(atMs, () => {
      for (const clock of clocks) {
        clock.monotonicJumpMs = monotonicMs
        clock.epochJumpMs = epochMs
      }
    })
  }
}
