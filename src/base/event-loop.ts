import { performance } from 'node:perf_hooks'
import type { Clock } from './clock.js'

/** Over so long it is averaged, at least: a single turn of the loop is all work or all waiting. */
const WINDOW_MS = 250

/** How busy this process is. */
export interface EventLoop {
  /** Share of the recent time, 0–1, in which the event loop was not waiting for something to do. */
  utilization(): number
}

export function createEventLoop(clock: Clock): EventLoop {
  let since = performance.eventLoopUtilization()
  let sinceMs = clock.now()
  let utilization = 0
  return {
    utilization() {
      const nowMs = clock.now()
      if (nowMs - sinceMs < WINDOW_MS) return utilization
      const now = performance.eventLoopUtilization()
      utilization = performance.eventLoopUtilization(now, since).utilization
      since = now
      sinceMs = nowMs
      return utilization
    },
  }
}
