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

/** How often the loop is asked whether it is late, while somebody wants to know. */
const TICK_MS = 20
/** Nobody has wanted to know for so long: it is left alone. */
const REST_MS = 1_000

/** Whether the event loop keeps up with its work. */
export interface LoopDelay {
  /**
   * For how long everything that has arrived waits for its turn, in milliseconds: how late the loop is, if it was as late the time
   * before. One long turn alone, of a garbage collection or of a task, is over when it is seen: what arrived meanwhile can be served
   * at once, and nothing is gained by refusing it (the lower of two, as CoDel takes the lowest of a while, RFC 8289).
   */
  standingMs(): number
}

export function createLoopDelay(clock: Clock): LoopDelay {
  let dueAtMs = Infinity
  let askedAtMs = -Infinity
  let lastMs = 0
  const startTick = (nowMs: number): void => {
    dueAtMs = nowMs + TICK_MS
    clock.after(TICK_MS, tick)
  }
  const tick = (): void => {
    const nowMs = clock.now()
    lastMs = nowMs - dueAtMs
    if (nowMs - askedAtMs < REST_MS) return startTick(nowMs)
    dueAtMs = Infinity
    lastMs = 0
  }
  return {
    standingMs() {
      const nowMs = clock.now()
      askedAtMs = nowMs
      if (dueAtMs === Infinity) startTick(nowMs)
      return Math.max(0, Math.min(lastMs, nowMs - dueAtMs))
    },
  }
}
