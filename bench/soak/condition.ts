import { readdirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How a process is doing. */
export interface Condition {
  readonly rssMiB: number
  /** What is left of the heap when everything else has been collected. */
  readonly heapMiB: number
  /** The fewest that kept the process alive since the last time, timers too: a burst passes, and what is left behind stays. */
  readonly handles: number
  /** The fewest file descriptors, idle connections among them, which keep nothing alive. */
  readonly descriptors: number
  /** What nobody has caught since the process began. */
  readonly unhandled: readonly string[]
}

const MIB = 1_048_576
/** So many are told in full; all are counted. */
const TOLD = 20

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Watches this process from now on; gives what tells its condition. */
export function watchCondition(): () => Promise<Condition> {
  const unhandled: string[] = []
  const note = (error: unknown): void => {
    const text = error instanceof Error && unhandled.length < TOLD ? error.stack : String(error)
    unhandled.push(text ?? 'an error without a name')
  }
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  let handles = Infinity
  let descriptors = Infinity
  const look = (): void => {
    handles = Math.min(handles, process.getActiveResourcesInfo().length)
    descriptors = Math.min(descriptors, readdirSync('/dev/fd').length)
  }
  setInterval(look, 250).unref()
  return async () => {
    look()
    const rssMiB = process.memoryUsage.rss() / MIB
    for (let i = 0; i < 2; i++) {
      collect()
      await nextTurn()
    }
    const condition = { rssMiB, heapMiB: process.memoryUsage().heapUsed / MIB, handles, descriptors, unhandled }
    handles = descriptors = Infinity
    return condition
  }
}
